"""Tokens as standards have them, issuers that describe themselves, and what is said of faults."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from folkmoot.auth.errors import IssuerUnreachable
from folkmoot.auth.issuer_settings import check_issuers
from folkmoot.auth.issuers import BadIssuer, Issuers, IssuerSettings
from folkmoot.core.accounts.errors import TokenExpired, TokenInvalid
from folkmoot.core.shared.health import Health, HealthNotice
from tests.auth.test_issuers import (
    BY_SECRET,
    BY_URL,
    EC,
    ISSUER,
    NOW,
    RSA,
    STRANGER,
    URL,
    Provider,
    claims,
    enter,
    key_set,
    services_with,
    shared,
    signed,
)
from tests.cast import NOON, FrozenClock


@pytest.mark.parametrize("sign", [signed, shared])
async def test_a_time_may_have_a_fraction(sign: Callable[[dict[str, object]], str]):
    services = await services_with(BY_URL if sign is signed else BY_SECRET)
    token = sign(claims(exp=NOW + 600.25, nbf=NOW - 0.5, iat=NOW + 0.125))

    caller = await enter(services, token)

    assert caller.expires_at == NOON + timedelta(seconds=600.25)
    services.clock.pass_by(timedelta(seconds=600.25))
    with pytest.raises(TokenExpired):
        await enter(services, token)


@pytest.mark.parametrize("exp", ["1e400", "-1.5", "0.0", "1e17"])
async def test_a_time_beyond_all_time_is_refused(exp: str):
    services = await services_with()
    text = json.dumps(claims()).replace(f'"exp": {NOW + 600}', f'"exp": {exp}')
    token = jws.serialize_compact({"alg": "RS256", "kid": "r1"}, text.encode(), RSA)

    with pytest.raises(TokenInvalid):
        await enter(services, token)


ED = OKPKey.generate_key("Ed25519", {"kid": "o1"})


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # where the test signs
@pytest.mark.parametrize("algorithms", [(), ("EdDSA",), ("Ed25519",)])
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("said", [None, "EdDSA", "Ed25519"])
async def test_one_algorithm_of_two_names_is_taken_under_both(
    algorithms: Sequence[str], alg: str, said: str | None
):
    provider = Provider()
    entry = {**ED.as_dict(private=False), **({"alg": said} if said else {})}
    provider.body = json.dumps({"keys": [entry]}).encode()
    settings = replace(BY_URL, algorithms=algorithms)

    caller = await enter(await services_with(settings, provider), signed(claims(), ED, alg))

    assert caller.account.username == "ana"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-384", {"kid": "k"}), "ES384"),
        (ECKey.generate_key("P-521", {"kid": "k"}), "ES512"),
        (RSAKey.generate_key(2048, {"kid": "k", "alg": "PS256"}), "PS256"),
        (RSAKey.generate_key(2048, {"kid": "k", "alg": "RS512"}), "RS512"),
    ],
)
async def test_without_algorithms_a_key_says_what_it_is_for(key: Key, alg: str):
    services = await services_with(BY_URL, Provider(key))

    await enter(services, signed(claims(), key, alg))

    if isinstance(key, RSAKey):
        parts = {name: part for name, part in key.as_dict(private=True).items() if name != "alg"}
        with pytest.raises(TokenInvalid):
            await enter(services, signed(claims(), RSAKey.import_key(parts), "RS256"))


@pytest.mark.parametrize("crv", ["X25519", "secp256k1"])
async def test_a_key_that_cannot_sign_for_us_is_no_key(crv: str):
    kind = OKPKey if crv == "X25519" else ECKey
    provider = Provider(kind.generate_key(crv, {"kid": "r1"}), EC)
    services = await services_with(provider=provider)

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims()))
    await enter(services, signed(claims(), EC, "ES256"))


@pytest.mark.parametrize("said", [False, "false", 0])
async def test_an_address_that_is_not_verified_in_any_spelling_is_not_taken(said: object):
    caller = await enter(await services_with(), signed(claims(email_verified=said)))

    assert caller.account.email.endswith(".invalid")


BY_NAME = IssuerSettings(ISSUER, "folkmoot-app")
DESCRIPTION = {"issuer": ISSUER, "jwks_uri": "https://keys.example/set", "extra": [1]}


class DescribedProvider(Provider):
    """An issuer that describes itself where OpenID Connect has that."""

    def __init__(self, **changed: object) -> None:
        super().__init__()
        described = DESCRIPTION | changed
        self.description: bytes = json.dumps(
            {name: value for name, value in described.items() if value is not ...}
        ).encode()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if str(request.url) == f"{ISSUER}/.well-known/openid-configuration":
            self.seen.append(request)
            return httpx2.Response(200, content=self.description)
        return await super()._answer(request)


async def test_the_name_of_an_issuer_alone_is_enough():
    provider = DescribedProvider()
    services = await services_with(BY_NAME, provider)

    for number in range(3):
        await enter(services, signed(claims(jti=f"t{number}")))

    assert [str(each.url) for each in provider.seen] == [
        f"{ISSUER}/.well-known/openid-configuration",
        "https://keys.example/set",
    ]


async def test_an_issuer_that_moves_its_keys_is_followed():
    provider = DescribedProvider()
    services = await services_with(BY_NAME, provider)
    await enter(services, signed(claims()))
    provider.description = json.dumps(DESCRIPTION | {"jwks_uri": "https://new.example/"}).encode()
    provider.body = key_set(STRANGER)
    services.clock.pass_by(timedelta(minutes=61))

    await enter(services, signed(claims(exp=NOW + 86_400), STRANGER))

    assert str(provider.seen[-1].url) == "https://new.example/"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": f"{ISSUER}/"},
        {"issuer": "https://evil.example"},
        {"issuer": ...},
        {"jwks_uri": ...},
        {"jwks_uri": 5},
        {"jwks_uri": "http://keys.example/set"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://127.0.0.1/set"},
        {"jwks_uri": "http://127.0.0.1:8080/set"},
        {"jwks_uri": "https://169.254.169.254/latest"},
        {"jwks_uri": "https://[::1]/set"},
        {"jwks_uri": "https://10.0.0.1/set"},
        {"jwks_uri": "https://localhost/set"},
        {"jwks_uri": "https://ana:secret@keys.example/set"},
        {"jwks_uri": "https://keys.example:99999/set"},
    ],
)
async def test_a_description_of_another_issuer_or_of_no_safe_address_is_not_followed(
    changed: dict[str, object],
):
    provider = DescribedProvider(**changed)
    services = await services_with(BY_NAME, provider)

    with pytest.raises(IssuerUnreachable, match="try again") as refused:
        await enter(services, signed(claims()))

    assert "its description" in refused.value.reason
    assert provider.asked == 0


async def test_a_failed_fetch_is_tried_again_soon_and_not_for_everybody():
    provider = Provider()
    provider.fails = httpx2.ConnectError("refused")
    services = await services_with(provider=provider)
    for _ in range(3):
        with pytest.raises(IssuerUnreachable):
            await enter(services, signed(claims()))
    assert provider.asked == 1

    provider.fails = None
    services.clock.pass_by(timedelta(seconds=5))
    await enter(services, signed(claims()))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refused", "it cannot be reached"),
        ("slow", "it does not answer in time"),
        ("500", "status (500)"),
        ("redirect", "a redirect, which is not followed (302)"),
        ("large", "more than 262144 bytes"),
        ("html", "no key set in JSON"),
        ("list", "no key set in JSON"),
        ("none", "no key of its key set can be used"),
        ("odd", "no key set"),
    ],
)
async def test_why_keys_cannot_be_had_is_known_to_whoever_runs_the_server(fault: str, reason: str):
    provider = Provider()
    if fault in {"refused", "slow"}:
        kind = httpx2.ConnectError if fault == "refused" else httpx2.ReadTimeout
        provider.fails = kind("at https://id.example/keys")
    provider.status = {"500": 500, "redirect": 302}.get(fault, 200)
    provider.body = {
        "large": key_set(RSA, padding="x" * 300_000),
        "html": b"<html>",
        "list": b"[]",
        "none": b'{"keys": []}',
        "odd": b'{"keys": 5}',
    }.get(fault, b"")
    told: list[HealthNotice] = []
    clock = FrozenClock()
    health = Health(clock.now, told.append)
    issuers = Issuers([BY_URL], clock, provider.client, monotonic=clock.monotonic, health=health)

    assert reason in (await issuers.examine())[ISSUER]
    with pytest.raises(IssuerUnreachable) as refused:
        await issuers.read(ISSUER, signed(claims()))
    assert reason in refused.value.reason
    assert "https" not in refused.value.reason
    assert [notice.fault.reason for notice in told if notice.fault] == [refused.value.reason]

    provider.fails, provider.status, provider.body = None, 200, key_set(RSA)
    clock.pass_by(timedelta(seconds=5))
    await issuers.check()
    assert health.failures() == []


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (lambda: signed(claims(aud="another")), "audience"),
        (lambda: signed(claims(), STRANGER), "signature"),
        (lambda: signed(claims(), RSAKey.generate_key(2048, {"kid": "new"})), "kid"),
        (lambda: signed(claims(), RSA, "PS256"), "algorithm"),
        (lambda: signed(claims(exp="soon")), "exp"),
        (lambda: signed(claims(nbf=NOW + 3600)), "future"),
        (lambda: signed(claims(sub="")), "subject"),
        (lambda: signed(claims(iss="https://evil.example")), "not set"),
    ],
)
async def test_why_a_token_was_refused_is_one_line_of_the_log(
    token: Callable[[], str], why: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", logger="folkmoot")
    services = await services_with()

    with pytest.raises(TokenInvalid):
        await enter(services, token())

    (record,) = caplog.records
    assert why in record.getMessage()
    assert token().rpartition(".")[2] not in record.getMessage()
    assert "evil" not in record.getMessage()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (replace(BY_URL, algorithms=["none"]), "'none'"),
        (replace(BY_URL, algorithms=["eddsa"]), "perhaps EdDSA"),
        (replace(BY_URL, algorithms=["HS256"]), "HS256 is not for these"),
        (replace(BY_SECRET, algorithms=["RS256"]), "a shared secret"),
        (replace(BY_SECRET, jwks_url=URL), "leave out one of the two"),
        (replace(BY_SECRET, secret="short"), "at least 32 bytes"),
        (replace(BY_URL, jwks_url="http://id.example/keys"), "begins with https://"),
        (replace(BY_URL, jwks_url="https://"), "begins with https://"),
        (replace(BY_URL, audience=""), "audience"),
        (IssuerSettings("http://id.example", "a"), "needs a secret or a jwks_url"),
    ],
)
def test_what_is_wrong_with_a_setting_is_a_sentence(settings: IssuerSettings, sentence: str):
    with pytest.raises(BadIssuer) as refused:
        check_issuers([settings])

    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "short" not in str(refused.value)


def test_an_issuer_is_set_once():
    with pytest.raises(BadIssuer, match="2 times"):
        check_issuers([BY_URL, BY_SECRET])
