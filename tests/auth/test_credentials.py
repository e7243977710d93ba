import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.auth.credentials import Credentials, credentials_of, normal_origin
from folkmoot.auth.jws import unverified
from folkmoot.core.accounts.errors import TokenInvalid


def http(
    method: str = "GET", query: str = "", scheme: str = "http", **headers: str
) -> dict[str, object]:
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {
        "type": "http",
        "method": method,
        "scheme": scheme,
        "query_string": query.encode(),
        "headers": [(b"host", b"chat.example"), *pairs],
    }


def socket(*subprotocols: str, scheme: str = "ws", query: str = "", **headers: str):
    scope = http(query=query, scheme=scheme, **headers)
    return {**scope, "type": "websocket", "subprotocols": list(subprotocols)}


@pytest.mark.parametrize("value", ["Bearer tok", "bearer tok", "BEARER   tok ", " Bearer tok"])
def test_a_bearer_header_is_read_in_any_case(value: str):
    assert credentials_of(http(authorization=value)).token == "tok"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "tok", "Bearertok"])
def test_another_header_shows_nothing(value: str):
    assert credentials_of(http(authorization=value)).token is None


def test_a_token_is_read_from_the_query():
    assert credentials_of(http(query="a=b&token=to.k-_n&token=other")).token == "to.k-_n"
    assert credentials_of(http(query="token=")).token is None


def test_the_header_counts_before_the_subprotocol_and_that_before_the_query():
    shown = socket("bearer", "offered", query="token=asked", authorization="Bearer told")

    assert credentials_of(shown).token == "told"
    assert credentials_of(socket("bearer", "offered", query="token=asked")).token == "offered"


@pytest.mark.parametrize("offered", [("bearer", "tok"), ("chat", "Bearer", "tok")])
def test_who_offers_a_token_as_a_subprotocol_has_bearer_selected(offered: tuple[str, ...]):
    found = credentials_of(socket(*offered))

    assert (found.token, found.subprotocol) == ("tok", "bearer")


@pytest.mark.parametrize("offered", [(), ("bearer",), ("chat", "bearer"), ("chat", "v2")])
def test_without_the_pair_nothing_is_selected(offered: tuple[str, ...]):
    found = credentials_of(socket(*offered))

    assert (found.token, found.subprotocol) == (None, None)


def test_a_ticket_and_a_cookie_are_read():
    found = credentials_of(http(query="ticket=t1", cookie='a=b; folkmoot_login="tok"; c=d'))

    assert (found.ticket, found.cookie) == ("t1", "tok")


def test_over_https_only_the_cookie_that_cannot_be_planted_counts():
    both = "folkmoot_login=planted; __Host-folkmoot_login=own"

    assert credentials_of(http(scheme="https", cookie=both)).cookie == "own"
    assert credentials_of(socket(scheme="wss", cookie=both)).cookie == "own"
    assert credentials_of(http(cookie=both)).cookie == "planted"


def test_cookies_in_several_headers_are_read_together():
    scope = http()
    scope["headers"] = [(b"cookie", b"a=b"), (b"cookie", b"folkmoot_login=tok")]

    assert credentials_of(scope).cookie == "tok"


def test_a_flood_of_query_fields_shows_nothing():
    assert credentials_of(http(query="token=tok&" + "a=b&" * 200)).token is None


@pytest.mark.parametrize("query", ["%ff%fe=x&token=tok", "&&&token=tok", "%00&token=tok"])
def test_an_odd_query_is_no_fault_of_ours(query: str):
    assert credentials_of(http(query=query)).token == "tok"


def test_looking_needs_no_origin_but_doing_and_sockets_do():
    assert not credentials_of(http("GET")).needs_origin
    assert credentials_of(http("POST")).needs_origin
    assert credentials_of(http("DELETE")).needs_origin
    assert credentials_of(socket()).needs_origin


def test_the_own_origin_is_that_of_the_page_and_not_of_the_socket():
    assert credentials_of(socket(scheme="wss")).own_origin == "https://chat.example"
    assert credentials_of(socket()).own_origin == "http://chat.example"


def test_no_secret_shows_when_credentials_are_printed():
    shown = repr(Credentials(token="tok-1", ticket="tick-1", cookie="cook-1"))

    assert not any(secret in shown for secret in ("tok-1", "tick-1", "cook-1"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"cookie", b"origin", b"host", b"x"]), st.binary()
        )
    ),
    st.binary(),
    st.lists(st.text()),
)
def test_no_request_is_so_odd_that_it_cannot_be_read(
    headers: list[tuple[bytes, bytes]], query: bytes, subprotocols: list[str]
):
    scope = {"type": "websocket", "headers": headers, "query_string": query}

    shown = credentials_of({**scope, "subprotocols": subprotocols})

    for token in filter(None, (shown.token, shown.cookie)):
        with pytest.raises(TokenInvalid):
            unverified(token)


@pytest.mark.parametrize(
    ("origin", "normal"),
    [
        ("https://Chat.Example", "https://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("http://chat.example:80", "http://chat.example"),
        ("http://chat.example:443", "http://chat.example:443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("null", "null"),
        ("", "null"),
        ("file://", "null"),
        ("https://user@chat.example", "null"),
        ("https://chat.example:bad", "null"),
        ("http://[", "null"),
    ],
)
def test_an_origin_has_one_spelling(origin: str, normal: str):
    assert normal_origin(origin) == normal
