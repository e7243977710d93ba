"""Logins and what they need: the real parts on the memory storage, time standing still."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import httpx2
from fastapi import FastAPI

from folkmoot.auth.authenticator import Authenticator, Caller, Credentials, Origins
from folkmoot.auth.email_changes import EmailTokens
from folkmoot.auth.issuers import Issuers
from folkmoot.auth.login_limits import AuthRates, LoginRateLimiter
from folkmoot.auth.logins import Logins, TokenPair
from folkmoot.auth.passwords import HashCost, Passwords
from folkmoot.auth.tokens import AccessTokens
from folkmoot.contracts.accounts.routes import router
from folkmoot.core.accounts.model import Account
from folkmoot.core.accounts.service import Accounts
from folkmoot.core.work import Job, Result, Storage, UnitOfWork
from folkmoot.server.http import refusals
from folkmoot.server.http.bodies import BodyLimit, StrictJson
from folkmoot.storage import open_storage
from tests.cast import CountingIds, FrozenClock

SECRET = b"Zk3vQ9-yT0wXr7LmPn2sUe5HdGcB8aJf"
CHEAP = HashCost(memory_kib=8, passes=1, lanes=1)
PASSWORD = "a long enough phrase"
HOME = "192.0.2.1"


class CountingStorage:
    """A storage that counts how often it is asked."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.reads = 0
        self.writes = 0

    async def read(self, job: Job[Result]) -> Result:
        self.reads += 1
        return await self._storage.read(job)

    async def write(self, job: Job[Result]) -> Result:
        self.writes += 1
        return await self._storage.write(job)

    async def check(self) -> None:
        await self._storage.check()

    async def close(self) -> None:
        await self._storage.close()


class KeptLetters:
    """Keeps what it is to send: to whom, and the token in it."""

    def __init__(self, letters: list[tuple[str, str]]) -> None:
        self._letters = letters

    def send(self, to: str, subject: str, text: str) -> None:
        (token,) = [line for line in text.splitlines() if line.count(".") == 2 and " " not in line]
        self._letters.append((to, token))


@dataclass
class AuthServices:
    clock: FrozenClock
    storage: CountingStorage
    accounts: Accounts
    tokens: AccessTokens
    passwords: Passwords
    authenticator: Authenticator
    logins: Logins
    announced: list[object]
    letters: list[tuple[str, str]]

    async def register(self, username: str = "ana", password: str = PASSWORD) -> Account:
        return await self.logins.register(
            username=username,
            email=f"{username}@example.com",
            password=password,
            full_name=username.title(),
            address=HOME,
        )

    async def login(self, name: str = "ana", password: str = PASSWORD) -> TokenPair:
        return await self.logins.login(name=name, password=password, address=HOME)

    async def enter(self, username: str = "ana") -> tuple[TokenPair, Caller]:
        """An account, logged in: its tokens, and itself as the authenticator sees it."""
        await self.register(username)
        keys = await self.login(username)
        return keys, await self.authenticator.caller(Credentials(token=keys.access_token))

    async def deactivate(self, account: Account) -> None:
        async def job(work: UnitOfWork) -> None:
            await self.accounts.deactivate(work, account.id)

        await self.storage.write(job)


async def open_auth_services(
    *,
    rates: AuthRates | None = None,
    cost: HashCost = CHEAP,
    allowed_origins: Sequence[str] = (),
    issuers: Issuers | None = None,
) -> AuthServices:
    clock, ids = FrozenClock(), CountingIds()
    storage = CountingStorage(await open_storage("memory://"))
    announced: list[object] = []

    async def write(job: Job[Result]) -> Result:
        async def telling(work: UnitOfWork) -> tuple[Result, list[object]]:
            return await job(work), list(work.events)

        result, events = await storage.write(telling)
        announced.extend(events)
        return result

    accounts = Accounts(clock, ids)
    tokens = AccessTokens(SECRET, clock)
    passwords = Passwords(cost=cost)
    origins = Origins(allowed_origins)
    shared = {"storage": storage, "write": write, "accounts": accounts, "clock": clock}
    authenticator = Authenticator(**shared, tokens=tokens, origins=origins, issuers=issuers)
    login_rates = LoginRateLimiter(rates or AuthRates(enabled=False), clock.monotonic)
    letters: list[tuple[str, str]] = []
    logins = Logins(
        **shared,
        ids=ids,
        tokens=tokens,
        passwords=passwords,
        login_rates=login_rates,
        email_tokens=EmailTokens(SECRET, clock),
        mailer=KeptLetters(letters),
    )
    return AuthServices(
        clock, storage, accounts, tokens, passwords, authenticator, logins, announced, letters
    )


def application(services: AuthServices) -> FastAPI:
    app = FastAPI()
    app.state.services = SimpleNamespace(authenticator=services.authenticator)
    app.state.logins = services.logins
    app.include_router(router)
    refusals.install(app)
    app.add_middleware(StrictJson)
    app.add_middleware(BodyLimit)
    return app


def client_of(
    app: FastAPI, *, base_url: str = "http://chat.example", address: str = HOME
) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, client=(address, 50_000), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=base_url)
