"""Finding whom somebody wants to begin something with, counted by how many strangers those are."""

from collections.abc import Awaitable, Callable, Sequence

from folkmoot.core.accounts.errors import NoSuchAccount
from folkmoot.core.accounts.model import Account, AccountName
from folkmoot.core.conversations.errors import MemberUnknown
from folkmoot.core.conversations.reach import Reached
from folkmoot.core.work import UnitOfWork
from folkmoot.realtime.intentions import IntentionKind
from folkmoot.realtime.services import Services


async def reached(
    services: Services,
    actor: Account,
    names: Sequence[int | str],
    enter: Callable[[UnitOfWork], Awaitable[object]] | None = None,
) -> list[Account]:
    """The accounts of these names, for an actor who may begin something with them.

    ``enter`` refuses whoever may not even ask, before anything is said about the names.

    Raises:
        NoSuchAccount: or the actor may not begin anything with them.
        TooManyRequests, and whatever ``enter`` refuses
    """

    async def look(work: UnitOfWork) -> Reached:
        if enter is not None:
            await enter(work)
        return await services.reach.find(work, actor, [AccountName(name) for name in names])

    found = await services.storage.read(look)
    if found.strangers:
        services.entrance.enter(actor.id, IntentionKind.MEET, cost=found.strangers)
    return found.accounts


async def leaver_named(services: Services, work: UnitOfWork, name: int | str) -> Account:
    """Who is to be taken out of a conversation.

    Raises:
        MemberUnknown: whether there is such an account elsewhere is not told.
    """
    try:
        return await services.accounts.named(work, name)
    except NoSuchAccount:
        raise MemberUnknown from None
