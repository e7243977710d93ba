import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.bots.logs.redaction import HIDDEN, Redactor, redacted
from tests.deadlines import costs_less_than

CANARY = "Zx9Canary7Qw3Lm5"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLWhlcmU"
FORMS = (
    "password={}",
    "password: {}",
    "PASSWORD = {}",
    "passwd={};user=ana",
    "db_password='{}'",
    'pwd="{}" host=x',
    '{{"password": "{}", "user": "ana"}}',
    '{{"user": {{"newPassword":"{}"}}}}',
    '"{{\\"password\\": \\"{}\\"}}"',
    "{{'secret': '{}'}}",
    "{{'secret': b'{}'}}",
    "client_secret={}&grant_type=x",
    "GET /cb?access_token={}&x=1",
    "GET /cb?a=1&api_key={} HTTP/1.1",
    "GET /ws?ticket={}{}",
    "api-key: {}",
    "apiKey={}",
    "X-Api-Key: {}",
    "aws_secret_access_key = {}",
    "AWS_SECRET_ACCESS_KEY={}",
    "refresh_token -> refresh_token={}",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "Authorization: {}",
    '"Authorization": "Bearer {}"',
    "Proxy-Authorization: Basic {}",
    "sent header bearer {}",
    "Cookie: a=1; login={}; b=2",
    "Set-Cookie: login={}; HttpOnly",
    "sessionid={}",
    "postgresql://ana:{}@db.example/main",
    "redis://:{}@cache:6379/0",
    "https://{}@git.example/x.git",
    "<password>{}</password>",
    "password%3D{}%26user%3Dana",
    "body=%7B%22password%22%3A%22{}%22%7D",
    '"tokens": ["{}", "other"]',
    "otp={}",
    "private_key={}",
    "pass={} user=ana",
    "AKIA{}ABCD",
    "ASIAIOSFODNN{}",
    "sk-proj-{}",
    "sk_live_{}",
    "ghp_{}ABCDEFGH",
    "github_pat_{}",
    "xoxb-{}",
    "glpat-{}",
    "AIza{}ABCDEFGHIJ",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\n{}\\n",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def filled(form: str, secret: str) -> str:
    return (
        form.replace("{{", "\1")
        .replace("}}", "\2")
        .replace("{}", secret)
        .replace("\1", "{")
        .replace("\2", "}")
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_does_not_come_through(form):
    secret = CANARY.upper() if form.startswith(("AKIA", "ASIA")) else CANARY
    assert secret not in redacted(f"it said {filled(form, secret)} and went on")


@given(
    st.sampled_from([form for form in FORMS if not form.startswith(("AKIA", "ASIA"))]),
    st.text(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=20, max_size=60
    ),
    WORDS,
    WORDS,
)
def test_no_secret_comes_through_whatever_stands_around_it(form, secret, before, after):
    secret = "Q" + secret + "7"
    text = f"{before} {filled(form, secret)} {after}"
    if secret not in before + after:
        assert secret not in redacted(text)


@given(st.text(max_size=200))
def test_whatever_the_text_it_is_cleaned_once_and_for_all(text):
    once = redacted(text)
    assert redacted(once).count(HIDDEN) == once.count(HIDDEN)


@pytest.mark.parametrize("text", [f"token {JWT} used", f"GET /x?t={JWT}", f'["{JWT}"]', f"a.{JWT}"])
def test_a_jwt_is_known_by_its_form(text):
    assert not any(part in redacted(text) for part in JWT.split("."))


@pytest.mark.parametrize(
    "text",
    [
        "password of ana was changed",
        "Failed password for invalid user ana from 192.0.2.7 port 4711 ssh2",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0",
        "session opened for user ana by (uid=0)",
        "sudo: ana : TTY=pts/0 ; PWD=/home/ana ; COMMAND=/bin/ls",
        "GET https://shop.example/cart?item=7 200",
        "cache key=user:7 was evicted, ticket 4711 is open",
        "author: Ana; passed 7 tests; 3 tokens left; hotplug: eth0",
        "asking the laptop: no answer",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text):
    assert redacted(text) == text


def test_a_key_that_goes_over_many_entries_is_hidden_in_all_of_them():
    redactor = Redactor()
    lines = [
        "writing -----BEGIN EC PRIVATE KEY-----",
        CANARY,
        CANARY,
        "-----END EC PRIVATE KEY----- ok",
    ]
    cleaned = [redactor.clean(line) for line in lines]
    assert CANARY not in "".join(cleaned)
    assert cleaned[-1].endswith("ok")
    assert redactor.clean("and on") == "and on"


def test_json_within_json_within_a_url_is_clean():
    inner = json.dumps({"password": CANARY})
    outer = json.dumps({"body": inner})
    for text in (inner, outer, json.dumps({"x": outer}), quote(inner), quote(outer)):
        assert CANARY not in redacted(f"got {text}")


LONG = 64 * 1024


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "eyJaaaaaa.",
        "password",
        "password=",
        'password="',
        "token:",
        "://",
        "a://b:c",
        "Cookie: a=b;",
        "bearer ",
        "sk-",
        "\\",
        "-----BEGIN PRIVATE KEY",
        "key=",
        "a",
        "AKIA",
        "cookie=a=",
        "pass",
        "://a:",
        "-----BEGIN A PRIVATE KEY-----",
        "secret[",
        "token{",
        "password %22",
        "%22",
        "x.secret",
    ],
)
def test_no_line_takes_long(piece):
    text = (piece * LONG)[:LONG]
    with costs_less_than(2):
        redacted(text)
