import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import int_to_base64, json_b64encode, urlsafe_b64decode, urlsafe_b64encode

from folkmoot.auth.authenticator import Caller
from folkmoot.auth.credentials import Credentials
from folkmoot.auth.errors import IssuerUnreachable
from folkmoot.auth.issuers import BadIssuer, FetchLimits, Issuers, IssuerSettings, KeySource
from folkmoot.core.accounts.errors import AccountInactive, LoginRevoked, TokenExpired, TokenInvalid
from folkmoot.core.accounts.model import Role
from tests.auth.services import AuthServices, open_auth_services
from tests.cast import NOON

URL = "https://id.example/keys"
ISSUER = "https://id.example"
NOW = int(NOON.timestamp())
SHARED = "q8Zr2-Lw9xVt5KpHs3NcYb7MdGf4JaQe"
RSA = RSAKey.generate_key(2048, {"kid": "r1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "e1"})
STRANGER = RSAKey.generate_key(2048, {"kid": "r1"})
BY_URL = IssuerSettings(ISSUER, "folkmoot-app", jwks_url=URL)
BY_SECRET = IssuerSettings(ISSUER, "folkmoot-app", secret=SHARED)


def claims(**changed: object) -> dict[str, object]:
    whole = {
        "iss": ISSUER,
        "aud": "folkmoot-app",
        "sub": "subject-1",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "token-1",
        "preferred_username": "ana",
        "email": "ana@corp.example",
        "name": "Ana Example",
        **changed,
    }
    return {name: value for name, value in whole.items() if value is not ...}


def signed(claimed: dict[str, object], key: Key = RSA, alg: str = "RS256", **header: object) -> str:
    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
    kid = {} if key.kid is None else {"kid": key.kid}
    shown = {"alg": alg, **kid, **header}
    return jws.serialize_compact(shown, json.dumps(claimed).encode(), key, registry=registry)


def shared(claimed: dict[str, object], alg: str = "HS256") -> str:
    return signed(claimed, OctKey.import_key(SHARED), alg)


def small_key() -> dict[str, str]:
    numbers = generate_private_key(65537, 1024).public_key().public_numbers()
    return {"kty": "RSA", "kid": "r1", "n": int_to_base64(numbers.n), "e": int_to_base64(numbers.e)}


def key_set(*keys: Key, **extra: object) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys], **extra}).encode()


class Provider:
    """An issuer's web server, as far as its keys go."""

    def __init__(self, *keys: Key) -> None:
        self.body: bytes = key_set(*(keys or (RSA, EC)))
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked = 0
        self.fails: Exception | None = None
        self.seen: list[httpx2.Request] = []
        self.client = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        self.seen.append(request)
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return httpx2.Response(self.status, content=self.body, headers=self.headers)


async def services_with(
    settings: IssuerSettings = BY_URL, provider: Provider | None = None
) -> AuthServices:
    services = await open_auth_services()
    client = (provider or Provider()).client
    clock = services.clock
    services.authenticator._issuers = Issuers([settings], clock, client, monotonic=clock.monotonic)
    return services


async def enter(services: AuthServices, token: str) -> Caller:
    return await services.authenticator.caller(Credentials(token=token))


async def test_the_first_token_of_a_subject_makes_its_account():
    services = await services_with()

    caller = await enter(services, signed(claims()))

    account = caller.account
    assert (account.username, account.email) == ("ana", "ana@corp.example")
    assert (account.full_name, account.role) == ("Ana Example", Role.USER)
    assert caller.expires_at == NOON + timedelta(minutes=10)


async def test_a_subject_keeps_its_account_whatever_it_is_called_later():
    services = await services_with()
    first = await enter(services, signed(claims()))

    second = await enter(services, signed(claims(jti="token-2", preferred_username="zoe")))

    assert second.account == first.account
    assert second.login != first.login


async def test_a_token_that_was_seen_costs_one_read_and_no_write():
    services = await services_with()
    token = signed(claims())
    await enter(services, token)
    reads, writes = services.storage.reads, services.storage.writes

    await enter(services, token)

    assert (services.storage.reads - reads, services.storage.writes - writes) == (1, 0)


@pytest.mark.parametrize("key", [RSA, EC])
async def test_a_token_is_revoked_by_logging_out_and_so_is_its_every_other_form(key: Key):
    services = await services_with()
    alg = "RS256" if key is RSA else "ES256"
    token = signed(claims(jti=...), key, alg)
    caller = await enter(services, token)
    await services.logins.logout(caller)

    forms = [token] if key is RSA else [token, other_signature(token)]
    for form in forms:
        with pytest.raises(LoginRevoked):
            await enter(services, form)


def other_signature(token: str) -> str:
    """The second good signature that every ECDSA signature implies."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    whole, _, signature = token.rpartition(".")
    data = urlsafe_b64decode(signature.encode())
    r, s = data[:32], int.from_bytes(data[32:])
    return f"{whole}.{urlsafe_b64encode(r + (order - s).to_bytes(32)).decode()}"


async def test_a_deactivated_account_does_not_come_in_by_its_issuer():
    services = await services_with()
    caller = await enter(services, signed(claims()))
    await services.deactivate(caller.account)

    for token in (signed(claims()), signed(claims(jti="token-2"))):
        with pytest.raises((AccountInactive, LoginRevoked)):
            await enter(services, token)
    with pytest.raises(AccountInactive):
        await enter(services, signed(claims(jti="token-3")))


async def test_many_first_requests_at_once_make_one_account():
    services = await services_with()

    callers = await asyncio.gather(*(enter(services, signed(claims())) for _ in range(10)))

    assert len({(caller.account.id, caller.login.id) for caller in callers}) == 1


async def test_a_claimed_name_or_address_never_opens_the_account_of_somebody_else():
    services = await services_with()
    ana = await services.register("ana")

    caller = await enter(services, signed(claims(email="ana@example.com")))

    assert caller.account.id != ana.id
    assert caller.account.username.startswith("ana-")
    assert caller.account.email.endswith("@id.example.invalid")


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "admin", "roles": ["admin"], "is_admin": True},
        {"realm_access": {"roles": ["admin"]}},
    ],
)
async def test_a_role_never_comes_from_a_token(changed: dict[str, object]):
    services = await services_with()

    assert (await enter(services, signed(claims(**changed)))).account.role is Role.USER


@pytest.mark.parametrize(
    ("username", "email", "subject", "made"),
    [
        ("Ana.Maria", ..., "s", "Ana.Maria"),
        ("Ana María Ünal", ..., "s", "Ana-Maria-Unal"),
        (..., "bo@corp.example", "s", "bo"),
        (..., ..., "auth0|12ab", "auth0-12ab"),
        ("12345", "67@corp.example", "8d3c1a52-5e0f-4f0e-9d1b-3a7e6c1f2b90", "user"),
        ("\u0430dmin", ..., "x!", "dmin"),
        ({"$ne": 1}, ["a@b.c"], "some subject", "some-subject"),
        ("x" * 1000, ..., "s", "user"),
        ("\u0000\u202e", ..., "日本", "user"),
    ],
)
async def test_a_username_is_made_of_what_is_claimed(
    username: object, email: object, subject: str, made: str
):
    services = await services_with()
    claimed = claims(preferred_username=username, email=email, sub=subject, name="\0")

    caller = await enter(services, signed(claimed))

    assert caller.account.username == made


@pytest.mark.parametrize("email", [..., "", "nonsense", 5, ["a@b.c"], "a@b\0.c"])
async def test_without_a_good_address_an_account_gets_one_that_is_nobodys(email: object):
    services = await services_with()

    first = await enter(services, signed(claims(email=email)))
    second = await enter(services, signed(claims(email=email, sub="subject-2", jti="token-2")))

    addresses = [first.account.email, second.account.email]
    assert addresses[0] != addresses[1]
    assert all(one.startswith("sub-") and one.endswith(".invalid") for one in addresses)


async def test_an_address_that_the_issuer_has_not_verified_is_not_taken():
    services = await services_with()

    caller = await enter(services, signed(claims(email_verified=False)))

    assert caller.account.email.endswith(".invalid")


# What is believed


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-app"},
        {"aud": ["another-app"]},
        {"aud": ...},
        {"aud": 5},
        {"iss": "https://id.example/"},
        {"iss": "https://evil.example"},
        {"iss": ...},
        {"iss": ["https://id.example"]},
        {"sub": ...},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
        {"sub": "a\0b"},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": 10**30},
        {"nbf": NOW + 61},
        {"iat": NOW + 61},
        {"jti": 5},
    ],
)
@pytest.mark.parametrize("sign", [signed, shared])
async def test_a_token_with_an_odd_claim_is_refused(
    changed: dict[str, object], sign: Callable[[dict[str, object]], str]
):
    services = await services_with(BY_URL if sign is signed else BY_SECRET)

    with pytest.raises(TokenInvalid):
        await enter(services, sign(claims(**changed)))


async def test_a_token_for_several_audiences_is_taken_if_this_is_one():
    services = await services_with()

    await enter(services, signed(claims(aud=["another-app", "folkmoot-app"])))


async def test_an_old_token_is_expired():
    services = await services_with()

    with pytest.raises(TokenExpired):
        await enter(services, signed(claims(exp=NOW)))


async def test_the_signature_of_a_stranger_is_refused():
    services = await services_with()

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(), STRANGER))


async def test_a_public_key_used_as_a_secret_signs_nothing():
    services = await services_with()
    pem = RSA.as_pem(private=False)
    for secret in (pem, pem.strip(), json.dumps(RSA.as_dict(private=False)).encode()):
        with pytest.raises(TokenInvalid):
            await enter(services, forged_hmac(secret))


def forged_hmac(secret: bytes) -> str:
    start = json_b64encode({"alg": "HS256", "kid": "r1"}) + b"." + json_b64encode(claims())
    mac = urlsafe_b64encode(hmac.new(secret, start, hashlib.sha256).digest())
    return (start + b"." + mac).decode()


@pytest.mark.parametrize("alg", ["RS384", "PS256"])
async def test_only_the_algorithms_that_are_set_are_taken(alg: str):
    services = await services_with()

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(), RSA, alg))


async def test_an_algorithm_that_is_set_is_taken():
    settings = IssuerSettings(ISSUER, "folkmoot-app", jwks_url=URL, algorithms=["PS256"])
    services = await services_with(settings)

    await enter(services, signed(claims(), RSA, "PS256"))


async def test_an_edwards_curve_may_be_set():
    key = OKPKey.generate_key("Ed25519", {"kid": "o1"})
    settings = IssuerSettings(ISSUER, "folkmoot-app", jwks_url=URL, algorithms=["Ed25519"])
    services = await services_with(settings, Provider(key))

    await enter(services, signed(claims(), key, "Ed25519"))


async def test_a_key_for_one_algorithm_serves_no_other():
    key = RSAKey.import_key(RSA.as_dict(private=True), {"kid": "r1", "alg": "RS512"})
    services = await services_with(provider=Provider(key))

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(), RSA))


async def test_a_secret_that_is_shared_is_believed_and_another_is_not():
    services = await services_with(BY_SECRET)

    await enter(services, shared(claims()))
    with pytest.raises(TokenInvalid):
        await enter(services, shared(claims(), "HS512"))
    with pytest.raises(TokenInvalid):
        await enter(
            services,
            signed(claims(), OctKey.import_key(b"another secret of 32 bytes......"), "HS256"),
        )


async def test_a_header_that_points_elsewhere_makes_nobody_look_there():
    provider = Provider()
    services = await services_with(provider=provider)

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(), RSA, jku="https://evil.example/keys"))
    assert provider.asked == 0


async def test_a_token_of_an_issuer_that_is_not_set_makes_nobody_look():
    provider = Provider()
    services = await services_with(provider=provider)

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(iss="https://evil.example")))
    assert provider.asked == 0


async def test_our_own_tokens_are_still_good_and_need_our_own_secret():
    services = await services_with(BY_SECRET)
    keys, caller = await services.enter("bo")

    assert await enter(services, keys.access_token) == caller
    with pytest.raises(TokenInvalid):
        await enter(services, shared(claims(iss="folkmoot", aud="folkmoot")))


# Fetching keys


async def test_keys_are_fetched_once_for_many():
    provider = Provider()
    services = await services_with(provider=provider)

    await asyncio.gather(*(enter(services, signed(claims(jti=f"t{n}"))) for n in range(20)))

    assert provider.asked == 1


async def test_an_unknown_key_has_the_keys_fetched_again_but_only_every_so_often():
    provider = Provider(EC)
    services = await services_with(provider=provider)
    await enter(services, signed(claims(), EC, "ES256"))
    provider.body = key_set(RSA, EC)

    for _ in range(5):
        with pytest.raises(TokenInvalid):
            await enter(services, signed(claims()))
    assert provider.asked == 1
    services.clock.pass_by(timedelta(seconds=60))
    await enter(services, signed(claims()))
    assert provider.asked == 2


async def test_a_key_that_the_issuer_takes_back_is_believed_no_longer():
    provider = Provider(RSA)
    services = await services_with(provider=provider)
    await enter(services, signed(claims()))
    provider.body = key_set(EC)
    services.clock.pass_by(timedelta(minutes=61))

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims(exp=NOW + 86_400)))


async def test_while_the_issuer_is_away_known_keys_stay_good_for_a_day():
    provider = Provider()
    services = await services_with(provider=provider)
    token = signed(claims(exp=NOW + 10 * 86_400))
    await enter(services, token)
    provider.fails = httpx2.ConnectError("refused")

    services.clock.pass_by(timedelta(hours=23))
    await enter(services, token)
    services.clock.pass_by(timedelta(hours=2))
    with pytest.raises(IssuerUnreachable):
        await enter(services, token)


@pytest.mark.parametrize(
    "fault", ["refused", "slow", "500", "redirect", "large", "html", "deep", "empty"]
)
async def test_an_answer_that_is_no_key_set_is_nobodys_key(fault: str):
    provider = Provider()
    if fault == "refused":
        provider.fails = httpx2.ConnectError("refused")
    elif fault == "slow":
        provider.fails = httpx2.ReadTimeout("slow")
    elif fault in {"500", "redirect"}:
        provider.status = 500 if fault == "500" else 302
        provider.headers = {"location": "https://evil.example/keys"}
    else:
        provider.body = {
            "large": key_set(RSA, padding="x" * 300_000),
            "html": b"<html>",
            "deep": b"[" * 100_000,
            "empty": b'{"keys": []}',
        }[fault]
    services = await services_with(provider=provider)

    with pytest.raises(IssuerUnreachable):
        await enter(services, signed(claims()))
    with pytest.raises(IssuerUnreachable):
        await enter(services, signed(claims()))
    assert provider.asked == 1


async def test_an_issuer_that_never_answers_is_given_up():
    provider = Provider()
    answer = asyncio.Event()

    async def never(_request: httpx2.Request) -> httpx2.Response:
        await answer.wait()
        return httpx2.Response(200)

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(never))
    source = KeySource(URL, client, FetchLimits(timeout=0.01))

    with pytest.raises(IssuerUnreachable):
        await source.find("r1")
    assert provider.asked == 0


async def test_no_secret_of_ours_is_sent_along():
    provider = Provider()
    services = await services_with(provider=provider)
    await enter(services, signed(claims()))

    assert "authorization" not in provider.seen[0].headers
    assert str(provider.seen[0].url) == URL


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "r1"},
        {**RSA.as_dict(private=False), "use": "enc"},
        {"kty": "RSA", "kid": "r1"},
        {"kty": "RSA", "kid": "r1", "n": 5, "e": []},
        {"kty": "XX", "kid": "r1"},
        {"kty": ["RSA"], "kid": "r1"},
        small_key(),
        "RSA",
        None,
    ],
)
async def test_a_key_that_is_odd_or_weak_is_left_out(entry: object):
    provider = Provider(EC)
    good = EC.as_dict(private=False)
    provider.body = json.dumps({"keys": [entry, good]}).encode()
    services = await services_with(provider=provider)

    with pytest.raises(TokenInvalid):
        await enter(services, signed(claims()))
    await enter(services, signed(claims(), EC, "ES256"))


async def test_without_a_name_the_only_key_is_meant():
    services = await services_with(provider=Provider(RSA))
    nameless = RSAKey.import_key({k: v for k, v in RSA.as_dict(private=True).items() if k != "kid"})

    await enter(services, signed(claims(), nameless))
    with pytest.raises(TokenInvalid):
        await enter(await services_with(), signed(claims(), nameless))


@pytest.mark.parametrize(
    "settings",
    [
        IssuerSettings("an issuer", "a"),
        IssuerSettings("http://id.example", "a"),
        IssuerSettings("https://ana:secret@id.example", "a"),
        IssuerSettings("folkmoot", "a", secret=SHARED),
        IssuerSettings(" ", "a", secret=SHARED),
        IssuerSettings(ISSUER, "a", jwks_url=URL, secret=SHARED),
        IssuerSettings(ISSUER, "", jwks_url=URL),
        IssuerSettings("", "a", jwks_url=URL),
        IssuerSettings(ISSUER, "a", jwks_url="http://id.example/keys"),
        IssuerSettings(ISSUER, "a", jwks_url="file:///etc/passwd"),
        IssuerSettings(ISSUER, "a", jwks_url=URL, algorithms=["HS256"]),
        IssuerSettings(ISSUER, "a", jwks_url=URL, algorithms=["RS256", "none"]),
        IssuerSettings(ISSUER, "a", secret=SHARED, algorithms=["RS256"]),
        IssuerSettings(ISSUER, "a", secret="short"),
    ],
)
async def test_an_issuer_that_would_prove_nothing_cannot_be_set(settings: IssuerSettings):
    with pytest.raises(BadIssuer):
        await services_with(settings)


async def test_a_shared_secret_does_not_show_when_printed():
    assert SHARED not in repr(BY_SECRET)
