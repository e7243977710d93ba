import pytest

from folkmoot.server.ops.log_setup import MAX_PATH_CHARS, shown_target


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/auth/me", "/auth/me"),
        ("/m?limit=20&before_seq=7", "/m?limit=20&before_seq=7"),
        ("/m?token=abc", "/m?…"),
        ("/m?%74oken=abc", "/m?…"),
        ("/m?limit=20&to%6Ben=abc&offset=1", "/m?limit=20&offset=1&…"),
        ("/m?LIMIT=20", "/m?…"),
        ("/m?q=secret+words", "/m?…"),
        ("/m?limit=" + "a" * 43, "/m?…"),
        ("/m?limit=a%20b", "/m?…"),
        ("/m?limit=1?token=abc", "/m?…"),
        ("/m?", "/m?…"),
        ("/m?" + "limit=1&" * 1000, "/m?" + "limit=1&" * 10 + "…"),
        ("/" + "a" * 9000, "/" + "a" * (MAX_PATH_CHARS - 1) + "…"),
    ],
)
def test_of_a_query_only_what_is_known_to_be_plain_is_logged(target: str, shown: str):
    assert shown_target(target) == shown
