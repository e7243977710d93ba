"""The page on own users is true: its examples run, at issuers that are real servers."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.clients import PLAIN, registered
from tests.deadlines import WITHIN_S
from tests.programs import run
from tests.running import Server

FOLDER = Path(__file__).parents[2] / "docs" / "operators"
PAGE = (FOLDER / "own-users.md").read_text(encoding="utf-8")
SECRET = "q8Zr2-Lw9xVt5KpHs3NcYb7MdGf4JaQe"


class Issuer:
    """An identity provider as far as others see it: what it says of itself, and its keys."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                page = issuer.pages.get(self.path)
                self.send_response(404 if page is None else 200)
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"http://127.0.0.1:{self._server.server_address[1]}/realms/main"
        self.shows()

    def shows(self, *keys: Key) -> None:
        described = {"issuer": self.name, "jwks_uri": f"{self.name}/keys"}
        self.pages = {
            "/realms/main/.well-known/openid-configuration": json.dumps(described).encode(),
            "/realms/main/keys": json.dumps(
                {"keys": [key.as_dict(private=False) for key in keys]}
            ).encode(),
        }

    @contextmanager
    def served(self) -> Iterator["Issuer"]:
        thread = Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def signed(key: Key, alg: str, **claims: object) -> str:
    now = time.time()
    whole = {"aud": "chat", "iat": now, "exp": now + 600.5, **claims}
    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
    header = {"alg": alg, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(whole).encode(), key, registry=registry)


def me(server: Server, token: str) -> httpx2.Response:
    return asks(server, "GET", "/auth/me", token)


def asks(server: Server, method: str, path: str, token: str) -> httpx2.Response:
    bearer = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=server.url, timeout=WITHIN_S, verify=PLAIN) as http:
        return http.request(method, path, headers=bearer)


def printed(kind: str, number: int) -> str:
    """A block of the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[number]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer().served() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def by_secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = re.search(r"FOLKMOOT_ISSUERS='(.*)' folkmoot serve", printed("sh", 0))
    assert found is not None
    setting = found[1].replace("'$CHAT_SECRET'", SECRET)
    server = Server(tmp_path_factory.mktemp("secret"), FOLKMOOT_ISSUERS=setting)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def by_name(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    (table,) = tomllib.loads(printed("toml", 0))["issuers"]
    assert table.keys() == {"issuer", "audience"}
    folder = tmp_path_factory.mktemp("name")
    config = folder / "folkmoot.toml"
    config.write_text(printed("toml", 0).replace(table["issuer"], issuer.name))
    server = Server(folder, "--config", str(config))
    server.start()
    yield server
    server.kill()


def token_of(*arguments: str) -> str:
    """What the program of the page prints."""
    command = [sys.executable, str(FOLDER / "own_users.py"), "https://shop.example", "chat"]
    environment = {**os.environ, "CHAT_SECRET": SECRET}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_program_of_the_page_makes_a_token_that_is_the_account(by_secret: Server) -> None:
    arguments = printed("sh", 1).partition("own_users.py ")[2].partition(")")[0]
    assert arguments == "https://shop.example chat user-4711 ana ana@shop.example 'Ana Example'"

    account = me(by_secret, token_of("user-4711", "ana", "ana@shop.example", "Ana Example")).json()

    assert (account["username"], account["email"], account["full_name"], account["role"]) == (
        "ana",
        "ana@shop.example",
        "Ana Example",
        "user",
    )
    again = me(by_secret, token_of("user-4711", "zoe", "zoe@shop.example", "Zoe")).json()
    assert again == account


def test_a_clash_opens_nobodys_account(by_secret: Server) -> None:
    bo = registered(by_secret, "bo")

    account = me(by_secret, token_of("user-1", bo.name, f"{bo.name}@example.com", "Bo")).json()

    assert account["uid"] != bo.uid
    assert re.fullmatch(rf"{bo.name}-[0-9a-f]{{6}}", account["username"])
    assert account["email"].endswith("@shop.example.invalid")


def test_logging_out_ends_a_token_and_the_next_one_opens_another_login(by_secret: Server) -> None:
    first, second = (token_of("user-2", "cy", "cy@shop.example", "Cy") for _ in range(2))
    account = me(by_secret, first).json()

    assert asks(by_secret, "POST", "/auth/logout", first).status_code == 204

    assert me(by_secret, first).json()["code"] == "login_revoked"
    assert me(by_secret, second).json() == account
    assert asks(by_secret, "POST", "/auth/logout-all", second).status_code == 204
    assert me(by_secret, second).json()["code"] == "login_revoked"
    third = token_of("user-2", "cy", "cy@shop.example", "Cy")
    assert me(by_secret, third).json() == account


def test_why_a_token_is_refused_is_in_the_log_and_not_in_the_answer(by_secret: Server) -> None:
    other = [sys.executable, str(FOLDER / "own_users.py"), "https://shop.example", "shop"]
    environment = {**os.environ, "CHAT_SECRET": SECRET}
    arguments = ["user-3", "di", "di@shop.example", "Di"]
    done = subprocess.run([*other, *arguments], env=environment, capture_output=True, check=True)

    answer = me(by_secret, done.stdout.decode().strip())

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert "audience" not in answer.text
    assert "a token of https://shop.example was refused: it is for another audience (aud)" in (
        by_secret.output
    )


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # where the test signs
def test_the_name_of_an_issuer_is_enough_whatever_keys_it_has_and_while_they_change(
    issuer: Issuer, by_name: Server
) -> None:
    old = OKPKey.generate_key("Ed25519", {"kid": "old"})
    issuer.shows(old, ECKey.generate_key("P-256", {"kid": "e"}))
    token = signed(old, "EdDSA", iss=issuer.name, sub="s1", preferred_username="ana")
    # The server has asked while there were no keys, and asks again some seconds later.
    account = until_known(by_name, token)

    assert account["username"] == "ana"
    assert {f"/realms/main/{path}" for path in (".well-known/openid-configuration", "keys")} == {
        *issuer.asked
    }
    stranger = RSAKey.generate_key(2048, {"kid": "old"})
    forged = signed(stranger, "RS256", iss=issuer.name, sub="s1")
    assert me(by_name, forged).status_code == 401


def until_known(server: Server, token: str) -> dict[str, object]:
    """The account of a token, once the issuer's keys are there."""
    deadline = time.monotonic() + WITHIN_S
    while (answer := me(server, token)).status_code == 503:
        assert answer.json()["code"] == "issuer_unreachable"
        assert time.monotonic() < deadline
        time.sleep(0.2)  # polls: when the server asks its issuer again
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


GOOD = {"issuer": "https://id.example", "audience": "chat"}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("{not json", "issuers"),
        ("5", "issuers"),
        (json.dumps([{"issuer": "https://id.example"}]), "audience"),
        (json.dumps([GOOD | {"algorithm": "RS256"}]), "algorithm"),
        (json.dumps([GOOD | {"algorithms": ["EDDSA"]}]), "perhaps EdDSA"),
        (json.dumps([GOOD | {"jwks_url": "http://id.example/keys"}]), "https://"),
        (json.dumps([GOOD | {"secret": "too short"}]), "at least 32 bytes"),
        (json.dumps([GOOD, GOOD]), "2 times"),
        (json.dumps(GOOD | {"issuer": "the shop"}), "needs a secret or a jwks_url"),
    ],
)
def test_a_setting_that_cannot_be_is_a_sentence_at_the_start(
    tmp_path: Path, setting: str, said: str
) -> None:
    end = run("serve", "--data", str(tmp_path / "data"), "--port", "0", FOLKMOOT_ISSUERS=setting)

    assert end.returncode == 1
    assert end.stdout == ""
    assert said in end.stderr
    assert "Traceback" not in end.stderr
    assert "too short" not in end.stderr
    assert len(end.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (None, "status (404)"),
        (b"<html>", "no description in JSON"),
        (b'{"issuer": "https://evil.example", "jwks_uri": "https://evil.example"}', "of another"),
        (..., "no key of its key set can be used"),
    ],
)
def test_the_doctor_says_why_keys_cannot_be_had(tmp_path: Path, page: object, said: str) -> None:
    with Issuer().served() as issuer:
        path = "/realms/main/.well-known/openid-configuration"
        if isinstance(page, bytes):
            issuer.pages[path] = page
        elif page is None:
            del issuer.pages[path]
        setting = json.dumps([{"issuer": issuer.name, "audience": "chat"}])
        flags = ("--data", str(tmp_path / "data"), "--port", "0")
        end = run("doctor", *flags, FOLKMOOT_ISSUERS=setting)
        wrong = [line for line in end.stdout.splitlines() if "WRONG" in line]

        assert end.returncode == 1
        assert len(wrong) == 1
        assert f"issuers: the keys of {issuer.name} cannot be had" in wrong[0]
        assert said in wrong[0]

        issuer.shows(RSAKey.generate_key(2048, {"kid": "r"}))
        end = run("doctor", *flags, FOLKMOOT_ISSUERS=setting)
        assert f"ok     issuers: {issuer.name}, by keys that it names" in end.stdout
