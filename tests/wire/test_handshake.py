import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.handshake import Handshake, read_handshake
from folkmoot.wire.refusals import RequestRefused


def handshake(query=b"", headers=()):
    return read_handshake(
        {"query_string": query, "headers": list(headers), "client": ("10.0.0.1", 5)}
    )


def test_it_reads_parameters_headers_cookies_and_the_address():
    seen = handshake(
        b"EIO=4&token=a%20b&empty=",
        [(b"authorization", b"Bearer t"), (b"cookie", b"login=abc; other=1")],
    )

    assert seen.parameter("EIO") == "4"
    assert seen.parameter("token") == "a b"
    assert seen.parameter("empty") == ""
    assert seen.parameter("missing") is None
    assert seen.header("Authorization") == "Bearer t"
    assert seen.header("missing") is None
    assert seen.cookies == {"login": "abc", "other": "1"}
    assert seen.address == "10.0.0.1"


def test_a_parameter_given_twice_is_none():
    assert handshake(b"sid=a&sid=b").parameter("sid") is None


def test_a_broken_cookie_header_is_no_cookies():
    assert handshake(headers=[(b"cookie", b'a="\\x\x00;=;;')]).cookies == {}
    assert Handshake().cookies == {}


def test_too_many_parameters_are_refused():
    with pytest.raises(RequestRefused):
        handshake(b"&".join([b"a=1"] * 1000))


@given(st.binary(), st.binary())
def test_any_query_and_cookie_are_read_or_refused(query, cookie):
    try:
        seen = handshake(query, [(b"cookie", cookie)])
    except RequestRefused:
        return
    assert isinstance(seen.cookies, dict)


def test_its_scope_tells_who_asks_and_no_more():
    headers = [(b"authorization", b"Bearer t")]
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "query_string": b"EIO=4&token=a%20b",
        "headers": headers,
        "client": None,
        "app": object(),
    }

    assert read_handshake(scope).scope == {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "headers": headers,
        "query_string": b"EIO=4&token=a+b",
    }
    websocket = scope | {"type": "websocket", "scheme": "ws"}
    assert read_handshake(websocket).scope["type"] == "websocket"
    assert read_handshake(websocket).scope["scheme"] == "ws"
