"""Decisions about direct conversations: one for two friends, begun by the first word."""

from folkmoot.core.conversations.events import ConversationStarted
from folkmoot.core.conversations.model import Conversation, Kind, NewConversation
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.shared.ids import AccountId, Clock, Ids
from folkmoot.core.social.errors import Blocked, NotFriends, SelfRequest
from folkmoot.core.social.model import pair_key


class Directs:
    """The conversations of two friends with each other."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def between(
        self, work: ConversationWork, one: AccountId, other: AccountId
    ) -> Conversation:
        """The direct conversation of two friends, begun if there is none yet.

        Raises:
            SelfRequest, NotFriends
            Blocked: friends or not, a block stands between them.
        """
        if one == other:
            raise SelfRequest(field="receiver_id")
        pair = pair_key(one, other)
        if await work.social.blocks_among(pair):
            raise Blocked
        if pair not in await work.friends.pairs_among([pair]):
            raise NotFriends
        known = (await work.directs.between([pair])).get(pair)
        if known is not None:
            return (await work.conversations.heads([known]))[known]
        conversation = await work.conversations.add(
            NewConversation(
                uid=self._ids.uid(),
                kind=Kind.DIRECT,
                title=None,
                created_by=one,
                created_at=self._clock.now(),
                members=(one, other),
                direct_pair=pair,
            )
        )
        work.record(ConversationStarted(conversation, (one, other)))
        return conversation
