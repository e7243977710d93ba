"""A bucket for tests, at a server that speaks S3 on this machine."""

from collections.abc import Iterator
from itertools import count
from urllib.request import Request, urlopen

import pytest

from tests.deadlines import WITHIN_S

_numbers = count(1)


class Buckets:
    """The server, and the variables by which it is found."""

    def __init__(self, url: str) -> None:
        self.variables = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }
        self._url = url

    def new(self) -> str:
        """The address of an empty prefix in a new bucket."""
        name = f"files-{next(_numbers)}"
        with urlopen(Request(f"{self._url}/{name}", method="PUT"), timeout=WITHIN_S):
            return f"s3://{name}/files"


@pytest.fixture(scope="session")
def buckets() -> Iterator[Buckets]:
    # Here, because it takes longer to import than most tests take that need none.
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Buckets(f"http://{host}:{port}")
    server.stop()
