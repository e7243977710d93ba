"""All that the drafts of one batch are judged by, asked of storage once for each kind of fact."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.conversations.events import AssistantSwitched, MemberJoined
from folkmoot.core.conversations.model import Conversation, Kind, Member
from folkmoot.core.messages.destinations import Beginnings, Destinations, candidates
from folkmoot.core.messages.model import Draft, Message, MessageRef, NewMessage, Upload
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.messages.uploads import hangs_where_member
from folkmoot.core.shared.ids import AccountId, ConnectionId, ConversationId, MessageId, Uid
from folkmoot.core.shared.refusals import Refusal
from folkmoot.core.social.errors import Blocked, NotFriends
from folkmoot.core.social.model import pair_key


@dataclass(frozen=True, slots=True)
class Joinable:
    """One of staff who becomes a member of a session by writing there, unless a block is between
    them and whoever is served."""

    person: Person
    is_blocked: bool


@dataclass(slots=True)
class Facts:
    """What is so, kept true while drafts are accepted one after the other.

    ``joinable`` has the authors who are no members yet, where writing makes them one.
    ``silenced`` says why nobody may write in a conversation of two. ``members`` has, of each
    conversation where somebody is mentioned, the UUIDs of all who are in it. By their index in
    ``accepted``, ``switches`` has what takes a session from the assistant, and ``questions`` the
    ownership of those sessions where the assistant owes an answer.
    """

    heads: dict[ConversationId, Conversation]
    memberships: dict[tuple[ConversationId, AccountId], Member]
    joinable: Mapping[tuple[ConversationId, AccountId], Joinable]
    silenced: dict[ConversationId, type[Refusal]]
    posted: Mapping[tuple[AccountId, str], Message]
    replies: Mapping[tuple[ConversationId, MessageId | Uid], MessageRef]
    uploads: Mapping[tuple[AccountId, Uid], Upload]
    members: dict[ConversationId, frozenset[Uid]]
    beginnings: Beginnings
    accepted: list[NewMessage] = field(default_factory=list)
    origins: list[ConnectionId | None] = field(default_factory=list)
    joins: dict[int, list[MemberJoined]] = field(default_factory=dict)
    switches: dict[int, AssistantSwitched] = field(default_factory=dict)
    questions: dict[int, int] = field(default_factory=dict)
    accepted_ids: dict[tuple[AccountId, str], int] = field(default_factory=dict)


async def gather(
    work: MessageWork, drafts: Sequence[Draft], destinations: Destinations
) -> tuple[Facts, list[Draft | Refusal]]:
    """The facts for these drafts, and where each goes; what none of them needs is not asked for."""
    keys = {(d.author_id, d.client_id) for d in drafts if d.client_id is not None}
    posted = await work.messages.by_client_ids(keys) if keys else {}
    heads = await work.conversations.heads(candidates(drafts, posted))
    settled = await destinations.settle(work, drafts, posted, heads)
    placed = [draft for draft in settled.drafts if isinstance(draft, Draft)]
    present = _present(placed)
    memberships = await work.conversations.memberships(present)
    for beginning in settled.beginnings.values():
        memberships |= beginning.memberships()
    facts = Facts(
        heads=heads,
        memberships=memberships,
        joinable=await _joinable(work, present, heads, memberships),
        silenced=await silenced_among(work, heads.values()),
        posted=posted,
        replies=await _replies(work, placed),
        uploads=await _uploads(work, placed),
        members=await _mentionable(work, placed),
        beginnings=settled.beginnings,
    )
    return facts, settled.drafts


def _present(drafts: Sequence[Draft]) -> set[tuple[ConversationId, AccountId]]:
    """Who is in which conversation once the drafts are messages there."""
    authors = {(draft.conversation_id, draft.author_id) for draft in drafts}
    return authors | {
        (draft.conversation_id, draft.addressee_id)
        for draft in drafts
        if draft.addressee_id is not None
    }


async def _joinable(
    work: MessageWork,
    present: AbstractSet[tuple[ConversationId, AccountId]],
    heads: Mapping[ConversationId, Conversation],
    memberships: Mapping[tuple[ConversationId, AccountId], Member],
) -> dict[tuple[ConversationId, AccountId], Joinable]:
    return await joinable(
        work,
        {
            key: head
            for key in present - memberships.keys()
            if (head := heads.get(key[0])) is not None
        },
    )


async def joinable(
    work: MessageWork, outside: Mapping[tuple[ConversationId, AccountId], Conversation]
) -> dict[tuple[ConversationId, AccountId], Joinable]:
    """Those of staff among who is outside of these sessions; nobody joins anything else."""
    outside = {key: head for key, head in outside.items() if head.desk is not None}
    if not outside:
        return {}
    accounts = await work.accounts.by_ids({author_id for _, author_id in outside})
    staff = {number: one.person for number, one in accounts.items() if one.role in STAFF}
    # Whoever joins one who is alone is one of two, and a block between two keeps both silent.
    alone = {head.id for head in outside.values() if head.member_count == 1}
    inside = await work.conversations.members(alone) if alone else {}
    facing = {
        head.id: {head.created_by}.union(member.person.id for member in inside.get(head.id, ()))
        for head in outside.values()
    }
    blocks = await work.social.blocks_among(staff.keys() | set().union(*facing.values()))
    blocked = {frozenset(block) for block in blocks}
    return {
        key: Joinable(
            staff[key[1]], any(frozenset((key[1], other)) in blocked for other in facing[head.id])
        )
        for key, head in outside.items()
        if key[1] in staff
    }


async def silenced_among(
    work: MessageWork, heads: Iterable[Conversation]
) -> dict[ConversationId, type[Refusal]]:
    """Where only two speak: a block ends that, and so does the end of a friendship."""
    by_id = {head.id: head for head in heads if head.is_two_party and head.id > 0}
    if not by_id:
        return {}
    pairs = {
        conversation_id: frozenset(member.person.id for member in members)
        for conversation_id, members in (await work.conversations.members(by_id)).items()
    }
    blocks = await work.social.blocks_among(frozenset[AccountId]().union(*pairs.values()))
    blocked = {frozenset(block) for block in blocks}
    friends = await _friends(work, [pairs[h.id] for h in by_id.values() if h.kind is Kind.DIRECT])
    silenced: dict[ConversationId, type[Refusal]] = {}
    for conversation_id, pair in pairs.items():
        if pair in blocked:
            silenced[conversation_id] = Blocked
        elif by_id[conversation_id].kind is Kind.DIRECT and pair not in friends:
            silenced[conversation_id] = NotFriends
    return silenced


async def _friends(
    work: MessageWork, pairs: Sequence[frozenset[AccountId]]
) -> set[frozenset[AccountId]]:
    keys = [pair_key(*pair) for pair in pairs if len(pair) == 2]
    if not keys:
        return set()
    return {frozenset(pair) for pair in await work.friends.pairs_among(keys)}


async def _replies(
    work: MessageWork, drafts: Sequence[Draft]
) -> dict[tuple[ConversationId, MessageId | Uid], MessageRef]:
    wanted: dict[ConversationId, set[MessageId | Uid]] = {}
    for draft in drafts:
        if draft.body.reply_to is not None:
            wanted.setdefault(draft.conversation_id, set()).add(draft.body.reply_to)
    found = {}
    for conversation_id, names in wanted.items():
        for name, message in (await work.messages.named(conversation_id, names)).items():
            found[conversation_id, name] = MessageRef(message.id, message.uid)
    return found


async def _uploads(
    work: MessageWork, drafts: Sequence[Draft]
) -> dict[tuple[AccountId, Uid], Upload]:
    """The files that their posters may use: their own, and those they can see already."""
    named = ((draft.author_id, draft.body.attachment) for draft in drafts)
    wanted = {(author_id, file) for author_id, file in named if isinstance(file, str)}
    if not wanted:
        return {}
    found = await work.attachments.get({upload_id for _, upload_id in wanted})
    usable = {}
    for account_id, upload_id in wanted:
        upload = found.get(upload_id)
        if upload and (
            upload.owner_id == account_id or await hangs_where_member(work, account_id, upload_id)
        ):
            usable[account_id, upload_id] = upload
    return usable


async def _mentionable(
    work: MessageWork, drafts: Sequence[Draft]
) -> dict[ConversationId, frozenset[Uid]]:
    conversation_ids = {draft.conversation_id for draft in drafts if draft.body.mentions}
    if not conversation_ids:
        return {}
    return {
        conversation_id: frozenset(member.person.uid for member in members)
        for conversation_id, members in (await work.conversations.members(conversation_ids)).items()
    }
