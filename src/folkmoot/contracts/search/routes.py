"""Finding messages by their words, in everything that the one who asks may read."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from folkmoot.contracts.search.shapes import SearchHitOut, hit_out
from folkmoot.core.accounts.model import STAFF, Account
from folkmoot.core.messages.views import SearchHit, SearchQuery
from folkmoot.core.shared.ids import AccountId, ConversationId, uid_of
from folkmoot.core.shared.texts import trimmed
from folkmoot.core.work import UnitOfWork
from folkmoot.kit.bodies import text_schema
from folkmoot.kit.rest import CallerOf, ServicesOf, answer, refusals, shape
from folkmoot.realtime.services import Services

MAX_HITS = 50
_NUMBER = re.compile(r"[+-]?[0-9.]+")
MAX_WORDS_CHARS = 200

router = APIRouter(prefix="/api/v1/chat", tags=["search"], responses=refusals(401, 422, 429))


def _written_out(value: object) -> object:
    """A time as RFC 3339 writes it; a mere number, which Pydantic takes for seconds, is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        raise ValueError("a time is written like 2025-12-29T10:05:00Z")
    return value


Words = Annotated[
    str, text_schema(least=1, most=MAX_WORDS_CHARS), Query(description="What to look for")
]
Where = Annotated[str | None, Query(description="Only there: a conversation by UUID or by number")]
From = Annotated[
    str | None,
    Query(
        alias="from",
        description="Only what this account (UUID or username) wrote, or only from this time on",
    ),
]
Before = Annotated[
    datetime | None,
    BeforeValidator(_written_out),
    Query(description="Only what was written before this time"),
]
HitLimit = Annotated[int, Query(ge=1, le=MAX_HITS, description="How many at most")]


@router.get(
    "/search",
    summary="Search messages",
    responses={200: shape(SearchHitOut, many=True), **refusals(404)},
)
async def search(
    services: ServicesOf,
    caller: CallerOf,
    q: Words,
    conversation: Where = None,
    from_: From = None,
    before: Before = None,
    limit: HitLimit = 20,
) -> Response:
    """The messages that match best, the best first, of all kinds of conversations.

    Every word of `q` must be there, or another form of it; the last one may be begun only. Case,
    accents, vowel marks and what is not seen make no difference; signs and emoji are looked for as
    they are. What no message can be found by, say a single comma, is refused
    (`nothing_to_look_for`).

    Found is only what the one who asks may read: their own conversations, and for staff every
    session; nothing deleted, nothing of authors hidden by a block. Where they may not look there
    is nothing. To jump to a hit, read the history around its `seq`.
    """
    words = trimmed(q, field="q", max_chars=MAX_WORDS_CHARS)
    since = _time(from_)
    author = from_ if since is None else None
    until = None if before is None else _in_utc(before)
    any_session = caller.account.role in STAFF

    async def job(work: UnitOfWork) -> list[SearchHit]:
        within = None if conversation is None else await _conversation(work, conversation)
        question = SearchQuery(
            words=words,
            limit=limit,
            conversation_id=within,
            author_id=await _author(services, work, caller.account, author),
            since=since,
            until=until,
        )
        return await work.search.find(caller.account.id, question, any_session=any_session)

    return answer([hit_out(hit) for hit in await services.storage.read(job)])


async def _conversation(work: UnitOfWork, text: str) -> ConversationId:
    """The conversation that is meant; a number that none has, where there is none."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return ConversationId(int(text))
    uid = uid_of(text)
    found = {} if uid is None else await work.conversations.ids_of([uid])
    return ConversationId(0) if uid is None else found.get(uid, ConversationId(0))


async def _author(
    services: Services, work: UnitOfWork, actor: Account, name: str | None
) -> AccountId | None:
    return None if name is None else (await services.reach.named(work, actor, name)).id


def _time(text: str | None) -> datetime | None:
    """The time that a text stands for, if it does."""
    try:
        return None if text is None else _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _in_utc(at: datetime) -> datetime:
    """A time without a zone is in UTC, as all that this server prints."""
    if at.tzinfo is None or at.year in {MINYEAR, MAXYEAR}:
        # At the ends of the calendar there is no room for another zone.
        return at.replace(tzinfo=UTC)
    return at.astimezone(UTC)
