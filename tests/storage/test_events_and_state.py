"""Old state and events make the fresh state, for every kind of event that stored state changes by.

What an account could read is a `Snapshot`. Each case acts; what it recorded is applied to the
snapshot from before, and that must be what is read afterwards. A kind without a case fails.
"""

# ruff: noqa: N802, N815 - a method is named for the kind of event that it applies

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, get_args

import pytest

from folkmoot.core.accounts.model import Account, Login, Person, Role
from folkmoot.core.conversations.desk import Desks
from folkmoot.core.conversations.events import Durable
from folkmoot.core.conversations.model import Conversation, Member, MemberRole, ReadMark
from folkmoot.core.events import AccountEvent, Event, StateEvent, TimelineEvent
from folkmoot.core.messages.model import Message, Reaction
from folkmoot.core.shared.ids import AccountId, ConversationId, MessageId, Uid
from folkmoot.core.shared.pages import Page
from folkmoot.core.social.friends import Friends
from folkmoot.core.social.model import FriendRequest
from folkmoot.core.work import UnitOfWork
from tests.cast import Cast

KINDS = get_args(TimelineEvent) + get_args(AccountEvent) + get_args(StateEvent)
WORK_TO_DO = {"TasksAdded"}
"""Says no more than that there is something to do, to whoever asks storage for it."""


@dataclass
class Snapshot:
    """What may be read of some accounts and conversations, by number."""

    people: dict[AccountId, tuple[Person, bool]]
    logins: dict[Uid, AccountId]
    heads: dict[ConversationId, Conversation]
    members: dict[ConversationId, dict[AccountId, Member]]
    messages: dict[ConversationId, dict[MessageId, Message]]
    requests: dict[Uid, FriendRequest]
    blocks: set[tuple[AccountId, AccountId]]

    def apply(self, event: Any) -> None:
        """Know what the event tells."""
        if isinstance(event, Durable):
            head = self.heads[event.conversation_id]
            self.heads[head.id] = replace(head, last_seq=event.seq, last_activity_at=event.at)
        getattr(self, f"on_{type(event).__name__}")(event)

    def _head(self, event: Any, **facts: Any) -> None:
        head = self.heads[event.conversation_id]
        self.heads[head.id] = replace(head, **facts)

    def _desk(self, event: Any, **facts: Any) -> None:
        head = self.heads[event.conversation_id]
        assert head.desk is not None
        self._head(event, desk=replace(head.desk, **facts))

    def _member(self, event: Any, account_id: AccountId, **facts: Any) -> None:
        members = self.members[event.conversation_id]
        members[account_id] = replace(members[account_id], **facts)

    def on_MessagePosted(self, event: Any) -> None:
        self.messages[event.conversation_id][event.message.id] = event.message
        if event.message.author is not None:
            me = self.members[event.conversation_id][event.message.author.id]
            self._member(event, me.person.id, read_seq=event.seq, delivered_seq=event.seq)
            self._member(event, me.person.id, read_at=event.at)
        desk = self.heads[event.conversation_id].desk
        if desk is not None:
            self._desk(event, message_count=desk.message_count + 1)
            self._desk(event, started_at=desk.started_at or event.at)

    def on_MessageEdited(self, event: Any) -> None:
        kept = self.messages[event.conversation_id][event.message.id]
        edited = replace(kept, body=event.message.body, edited_at=event.message.edited_at)
        self.messages[event.conversation_id][kept.id] = edited

    def on_MessageDeleted(self, event: Any) -> None:
        kept = self.messages[event.conversation_id][event.message.id]
        gone = replace(kept, body=replace(kept.body, content=""), deleted_at=event.at, reactions=())
        self.messages[event.conversation_id][kept.id] = gone

    def on_ReactionAdded(self, event: Any) -> None:
        self._react(event, lambda people: (*people, event.actor))

    def on_ReactionRemoved(self, event: Any) -> None:
        self._react(event, lambda people: tuple(one for one in people if one != event.actor))

    def _react(self, event: Any, change: Callable[[Any], tuple[Person, ...]]) -> None:
        kept = self.messages[event.conversation_id][event.message.id]
        known = {reaction.emoji: reaction.people for reaction in kept.reactions}
        known[event.emoji] = change(known.get(event.emoji, ()))
        reactions = tuple(Reaction(emoji, people) for emoji, people in known.items() if people)
        self.messages[event.conversation_id][kept.id] = replace(kept, reactions=reactions)

    def on_MemberJoined(self, event: Any) -> None:
        joined = Member(
            event.conversation_id, event.member, MemberRole.MEMBER, event.at, 0, None, 0
        )
        self.members[event.conversation_id][event.member.id] = joined
        self._head(event, member_count=len(self.members[event.conversation_id]))

    def on_MemberLeft(self, event: Any) -> None:
        del self.members[event.conversation_id][event.member.id]
        self._head(event, member_count=len(self.members[event.conversation_id]))

    def on_ConversationRenamed(self, event: Any) -> None:
        self._head(event, title=event.title)

    def on_AgentAssigned(self, event: Any) -> None:
        self._desk(event, agent_id=event.agent.id)

    def on_AssistantSwitched(self, event: Any) -> None:
        self._desk(event, assistant_on=event.is_on)

    def on_ConversationEnded(self, event: Any) -> None:
        self._desk(event, closed_at=event.at)

    def on_ConversationStarted(self, event: Any) -> None:
        head = event.conversation
        self.heads[head.id], self.messages[head.id] = head, {}
        self.members[head.id] = {
            number: Member(head.id, self.people[number][0], _role(head, number),
                           head.created_at, 0, None, 0)
            for number in event.members
        }  # fmt: skip

    def on_ReadMoved(self, event: Any) -> None:
        known = self.members[event.conversation_id][event.reader.id]
        delivered = max(known.delivered_seq, event.up_to_seq)
        self._member(event, event.reader.id, read_seq=event.up_to_seq, read_at=event.at,
                     delivered_seq=delivered)  # fmt: skip

    def on_DeliveredMoved(self, event: Any) -> None:
        self._member(event, event.receiver.id, delivered_seq=event.up_to_seq)

    def on_LoginsEnded(self, event: Any) -> None:
        for login_id in event.login_ids:
            del self.logins[login_id]

    def on_AccountDeactivated(self, event: Any) -> None:
        self.people[event.account_id] = (self.people[event.account_id][0], False)

    def on_AccountChanged(self, event: Any) -> None:
        person = event.person
        self.people[person.id] = (person, self.people[person.id][1])
        for members in self.members.values():
            if person.id in members:
                members[person.id] = replace(members[person.id], person=person)
        for messages in self.messages.values():
            for message in messages.values():
                if message.author_id == person.id:
                    messages[message.id] = replace(message, author=person)

    def on_BlockSet(self, event: Any) -> None:
        self.blocks.add((event.blocker, event.blocked))

    def on_BlockLifted(self, event: Any) -> None:
        self.blocks.remove((event.blocker, event.blocked))

    def on_FriendRequested(self, event: Any) -> None:
        self.requests[event.request.id] = event.request

    on_FriendAccepted = on_FriendRequested

    def on_FriendDeclined(self, event: Any) -> None:
        del self.requests[event.request.id]

    on_FriendshipEnded = on_FriendDeclined


def _role(head: Conversation, account_id: AccountId) -> MemberRole:
    return MemberRole.OWNER if account_id == head.created_by else MemberRole.MEMBER


@dataclass
class Scene:
    """The cast; Di and Ed, of staff; Ana's HELP session, which Di serves; what Bo said in LOBBY."""

    cast: Cast
    di: Account
    ed: Account
    help: Conversation
    said: Message
    login: Login

    async def snapshot(self) -> Snapshot:
        accounts = [self.cast.ana.id, self.cast.bo.id, self.cast.cy.id, self.di.id, self.ed.id]

        async def look(work: UnitOfWork) -> Snapshot:
            ids = {one for number in accounts for one in await work.views.conversations_of(number)}
            heads = await work.conversations.heads(ids | {self.cast.lobby.id, self.help.id})
            found = (await work.accounts.by_ids(accounts)).values()
            now = self.cast.clock.now()
            logins = [one for number in accounts for one in await work.logins.live_of(number, now)]
            requests = [one for number in accounts
                        for one in (*await work.friends.pending_of(number),
                                    *await work.friends.friendships_of(number))]  # fmt: skip
            members = await work.conversations.members(heads)
            return Snapshot(
                {account.id: (account.person, account.is_active) for account in found},
                {login.id: login.account_id for login in logins},
                {head.id: _readable(head) for head in heads.values()},
                {number: {one.person.id: one for one in members[number]} for number in heads},
                {
                    number: {one.id: _plain(one)
                             for one in await work.views.page(number, Page(limit=100))}
                    for number in heads
                },
                {request.id: request for request in requests},
                set(await work.social.blocks_among(accounts)),
            )  # fmt: skip

        snapshot: Snapshot = await self.cast.see(look)
        return snapshot


def _readable(head: Conversation) -> Conversation:
    """Without what no client can read: who has the answering, and by which number."""
    if head.desk is None:
        return head
    return replace(head, desk=replace(head.desk, ownership=0, taken_over=False))


def _plain(message: Message) -> Message:
    return replace(message, body=replace(message.body, labels=dict(message.body.labels)))


@pytest.fixture
async def scene(cast: Cast) -> Scene:
    """Everything is there that one of the cases changes."""
    di, ed = [await cast.account(name, Role.AGENT) for name in ("di", "ed")]
    desks, ana = Desks(cast.clock, cast.ids), cast.ana
    session = await cast.do(desks.open, ana, title="HELP", agent=di, assistant_on=False)
    said = await cast.say(cast.bo, "Hello")
    await cast.do(cast.messages.react, cast.ana.id, cast.lobby.id, said.id, "👍")
    login = await cast.do(cast.accounts.start_login, ana, lasting=timedelta(days=1))
    cast.clock.pass_by()
    cast.events.clear()
    return Scene(cast, di, ed, session, said, login)


async def _befriend(scene: Scene, *then: str) -> None:
    cast, friends = scene.cast, Friends(scene.cast.clock, scene.cast.ids)
    request = await cast.do(friends.request, cast.ana.id, cast.cy.id)
    for act in then:
        if act == "end":
            await cast.do(friends.end, cast.ana.id, cast.cy.id)
        else:
            await cast.do(getattr(friends, act), cast.cy.id, request.id)


def _message(act: str, who: str, *arguments: Any) -> "Act":
    async def do(scene: Scene) -> None:
        cast, actor = scene.cast, getattr(scene.cast, who)
        where = (actor.id, cast.lobby.id, scene.said.id)
        await cast.do(getattr(cast.messages, act), *where, *arguments)

    return do


def _desk(act: str, who: str, *arguments: Any, **options: Any) -> "Act":
    async def do(scene: Scene) -> None:
        cast = scene.cast
        people = {"ana": cast.ana, "cy": cast.cy, "di": scene.di, "ed": scene.ed}
        given = [people.get(one, one) if isinstance(one, str) else one for one in arguments]
        actor = people[who]
        await cast.do(getattr(Desks(cast.clock, cast.ids), act), actor, scene.help.id, *given,
                      **options)  # fmt: skip

    return do


async def _mark(scene: Scene, act: str) -> None:
    cast = scene.cast
    pair = await cast.do(cast.conversations.start, cast.ana.id, [cast.cy.id], title="PAIR")
    where = pair if act == "move_read" else scene.help
    if where is scene.help:
        await cast.say(cast.ana, "Are you there?", where=where)
    else:
        await cast.say(cast.cy, "Are you there?", where=where)
    reader = cast.ana.id if act == "move_read" else scene.di.id
    await cast.do(getattr(cast.marks, act), [ReadMark(where.id, reader, 1)])


async def _block(scene: Scene, *acts: str) -> None:
    for act in acts:
        await scene.cast.do(getattr(scene.cast.social, act), scene.cast.ana.id, scene.cast.bo.id)


Act = Callable[[Scene], Awaitable[Any]]
CASES: dict[str, Act] = {
    "MessagePosted": lambda scene: scene.cast.say(
        scene.cast.ana, "Hi", reply_to=scene.said.id, client_id="x", mentions=(scene.cast.bo.uid,)
    ),
    "MessageEdited": _message("edit", "bo", "Hello, all"),
    "MessageDeleted": _message("delete", "bo"),
    "ReactionAdded": _message("react", "bo", "👍"),
    "ReactionRemoved": _message("unreact", "ana", "👍"),
    "MemberJoined": lambda scene: scene.cast.do(
        scene.cast.conversations.add_members, scene.cast.ana.id, scene.cast.lobby.id,
        [scene.cast.cy],
    ),
    "MemberLeft": lambda scene: scene.cast.do(
        scene.cast.conversations.remove_member, scene.cast.bo.id, scene.cast.lobby.id,
        scene.cast.bo.id,
    ),
    "ConversationRenamed": _desk("rename", "ana", "Help me"),
    "AgentAssigned": _desk("assign", "di", "ed"),
    "AssistantSwitched": _desk("switch_assistant", "ana", is_on=True),
    "ConversationEnded": _desk("close", "ana"),
    "ConversationStarted": lambda scene: scene.cast.do(
        scene.cast.conversations.start, scene.cast.ana.id, [scene.cast.cy.id], title="NEW"
    ),
    "ReadMoved": lambda scene: _mark(scene, "move_read"),
    "DeliveredMoved": lambda scene: _mark(scene, "move_delivered"),
    "LoginsEnded": lambda scene: scene.cast.do(
        scene.cast.accounts.end_login, scene.cast.ana.id, scene.login.id
    ),
    "AccountDeactivated": lambda scene: scene.cast.do(
        scene.cast.accounts.deactivate, scene.cast.ana.id
    ),
    "AccountChanged": lambda scene: scene.cast.do(
        scene.cast.accounts.change_profile, scene.cast.bo.id, full_name="Bo B."
    ),
    "BlockSet": lambda scene: _block(scene, "block"),
    "BlockLifted": lambda scene: _block(scene, "block", "unblock"),
    "FriendRequested": _befriend,
    "FriendAccepted": lambda scene: _befriend(scene, "accept"),
    "FriendDeclined": lambda scene: _befriend(scene, "decline"),
    "FriendshipEnded": lambda scene: _befriend(scene, "accept", "end"),
}  # fmt: skip


def test_there_is_a_case_for_every_kind_that_changes_what_is_stored():
    assert set(CASES) | WORK_TO_DO == {kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("name", CASES)
async def test_the_state_before_and_what_happened_make_the_state_after(scene: Scene, name: str):
    snapshot = await scene.snapshot()
    await CASES[name](scene)
    happened: list[Event] = list(scene.cast.events)
    assert name in {type(event).__name__ for event in happened}
    for event in happened:
        if type(event).__name__ not in WORK_TO_DO:
            snapshot.apply(event)
    for part, read in vars(await scene.snapshot()).items():
        assert getattr(snapshot, part) == read, part
