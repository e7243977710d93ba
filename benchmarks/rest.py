"""The few REST calls that set a bench up and check it afterwards, outside the measured time."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

PAGE = 100


@dataclass(frozen=True)
class Rest:
    """One server's REST side, spoken as the `conversations` contract says."""

    host: str
    port: int

    def call(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path} broke off: {error!r}") from error
        finally:
            connection.close()
        if response.status >= 300:
            raise ConnectionError(f"{method} {path} answered {response.status}: {text[:300]!r}")
        return json.loads(text)

    def post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        headers = {"Content-Type": "application/json"} | _bearer(token)
        return self.call("POST", path, json.dumps(body).encode(), headers)

    def post_form(self, path: str, form: dict[str, str]) -> Any:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.call("POST", path, urlencode(form).encode(), headers)

    def get(self, path: str, token: str = "") -> Any:
        return self.call("GET", path, b"", _bearer(token))

    def history(self, address: str, token: str, field: str = "content") -> list[str]:
        """What was said in the conversation whose history is there, from first to last."""
        contents: list[str] = []
        after_seq = 0
        while True:
            page = self.get(f"{address}?after_seq={after_seq}&limit={PAGE}", token)
            page = page["messages"] if isinstance(page, dict) else page
            if not page:
                return contents
            contents += [message[field] for message in page]
            after_seq = page[-1]["seq"]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
