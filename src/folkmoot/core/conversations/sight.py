"""What somebody is shown of the members of their conversations: less of those who block them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from folkmoot.core.conversations.model import Member
from folkmoot.core.conversations.store import ConversationWork
from folkmoot.core.shared.ids import AccountId, ConversationId
from folkmoot.core.social.model import MarksAtBlock
from folkmoot.core.social.store import SocialStores

_NOTHING = MarksAtBlock(0, None, 0)


@dataclass(frozen=True, slots=True)
class Sight:
    """Of whom somebody learns nothing new: not whether they are online, nor what they read.

    ``marks`` say how far these had read when they set their blocks. That stays shown: a receipt
    never goes back.
    """

    blockers: frozenset[AccountId] = frozenset()
    marks: Mapping[tuple[ConversationId, AccountId], MarksAtBlock] = field(default_factory=dict)

    def is_online(self, account_id: AccountId, online: Collection[AccountId]) -> bool:
        """Whether the account is shown as online."""
        return account_id in online and account_id not in self.blockers

    def of(self, member: Member) -> Member:
        """A member as they are shown."""
        if member.person.id not in self.blockers:
            return member
        marks = self.marks.get((member.conversation_id, member.person.id), _NOTHING)
        return replace(
            member,
            read_seq=marks.read_seq,
            read_at=marks.read_at,
            delivered_seq=marks.delivered_seq,
        )

    def of_all(self, members: Iterable[Member]) -> list[Member]:
        """Members as they are shown."""
        return [self.of(member) for member in members]


async def sight_of(work: SocialStores, viewer: AccountId) -> Sight:
    """What an account is shown of others."""
    blockers = await work.social.blockers_of(viewer)
    return Sight(blockers, await work.social.marks_at_block(viewer)) if blockers else Sight()


async def members_shown(
    work: ConversationWork, viewer: AccountId, conversation_id: ConversationId
) -> list[Member]:
    """The members of a conversation, as an account is shown them."""
    members = (await work.conversations.members([conversation_id]))[conversation_id]
    return (await sight_of(work, viewer)).of_all(members)
