"""Old state and events make the fresh state: what a client hears is all that it needs to know."""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from folkmoot.core.conversations.events import Durable, ReadMoved
from folkmoot.core.messages.events import MessagePosted
from tests.clients import Client, new_lobby
from tests.integration.desks import CHAT, new_session
from tests.running import Server

PASSING = {"user_joined", "user_left", "typing"}


@dataclass
class Picture:
    """What one account knows of a conversation: the head, every message, and how it is served."""

    viewer: int
    head: dict[str, Any]
    messages: list[dict[str, Any]]
    desk: dict[str, Any]

    def apply(self, frame: dict[str, Any]) -> None:
        """Know what the frame tells."""
        getattr(self, f"_on_{frame['type']}")(frame)
        self.head["last_seq"] = frame.get("seq", self.head["last_seq"])
        self.head["unread_count"] = sum(map(self._is_unread, self.messages))
        present = [message for message in self.messages if not message["is_deleted"]]
        self.head["last_message"] = present[-1] if present else None

    def _on_message(self, frame: dict[str, Any]) -> None:
        self.messages.append(frame)
        self._participant(frame["sender_id"])["read_seq"] = frame["seq"]

    def _on_message_edited(self, frame: dict[str, Any]) -> None:
        message = self._message(frame)
        message |= {"content": frame["content"], "edited_at": frame["edited_at"]}

    def _on_message_deleted(self, frame: dict[str, Any]) -> None:
        self._message(frame).update(content="", is_deleted=True, reactions=[])

    def _on_reaction(self, frame: dict[str, Any]) -> None:
        reactions = self._message(frame)["reactions"]
        known = {one["emoji"]: one["account_ids"] for one in reactions}
        accounts = known.setdefault(frame["emoji"], [])
        accounts.remove(frame["user_id"]) if frame["removed"] else accounts.append(frame["user_id"])
        reactions[:] = [{"emoji": e, "account_ids": ids} for e, ids in known.items() if ids]

    def _on_participant_added(self, frame: dict[str, Any]) -> None:
        shown = {name: frame[name] for name in ("uid", "username", "full_name", "role")}
        news = {"id": frame["user_id"], "joined_at": frame["joined_at"], "member_role": "member"}
        self.head["participants"].append(shown | news | {"online": False, "read_seq": 0})

    def _on_participant_removed(self, frame: dict[str, Any]) -> None:
        self.head["participants"].remove(self._participant(frame["user_id"]))

    def _on_conversation_renamed(self, frame: dict[str, Any]) -> None:
        self.head["title"] = frame["title"]

    def _on_agent_assigned(self, frame: dict[str, Any]) -> None:
        agent = self._participant(frame["agent_id"])
        assert agent["username"] == frame["username"]
        self.desk["assigned_agent_id"] = agent["uid"]

    def _on_assistant_switched(self, frame: dict[str, Any]) -> None:
        self.desk["assistant"] = frame["is_on"]

    def _on_conversation_closed(self, frame: dict[str, Any]) -> None:
        assert frame["conversation_id"] == self.head["id"]
        self.head["closed_at"] = frame["closed_at"]
        self.desk["status"] = "closed"

    def _on_read(self, frame: dict[str, Any]) -> None:
        self._participant(frame["user_id"])["read_seq"] = frame["up_to_seq"]

    def _message(self, frame: dict[str, Any]) -> dict[str, Any]:
        return next(one for one in self.messages if one["id"] == frame["message_id"])

    def _participant(self, account_id: int) -> dict[str, Any]:
        return next(one for one in self.head["participants"] if one["id"] == account_id)

    def _is_unread(self, message: dict[str, Any]) -> bool:
        is_news = message["seq"] > self._participant(self.viewer)["read_seq"]
        return is_news and message["sender_id"] != self.viewer and not message["is_deleted"]


@dataclass
class Scene:
    """Ana and Bo in a LOBBY where there is something that each can change or read.

    ``session`` names it by the `sessions` contract, if it is a session.
    """

    ana: Client
    bo: Client
    cy: Client
    agent: Client
    lobby: int
    session: str | None
    message: dict[str, Any]

    async def act(self, who: Client, method: str, path: str, body: Any = None) -> None:
        answer = await who.ask(method, f"/conversations/{self.lobby}{path}", json=body)
        answer.raise_for_status()

    async def serve(self, who: Client, method: str, path: str, body: Any = None) -> None:
        """Act on the session as such."""
        answer = await who.ask(method, f"{CHAT}/sessions/{self.session}{path}", json=body)
        answer.raise_for_status()

    @property
    def path(self) -> str:
        return f"/messages/{self.message['id']}"


Act = Callable[[Scene], Awaitable[None]]


async def post(scene: Scene) -> None:
    body = {"content": "Hello", "client_id": f"hello in {scene.lobby}"}
    await scene.act(scene.ana, "POST", "/messages", body)


async def reply(scene: Scene) -> None:
    body = {"content": "Hello yourself", "reply_to_id": scene.message["id"]}
    await scene.act(scene.bo, "POST", "/messages", body)


async def edit(scene: Scene) -> None:
    await scene.act(scene.ana, "PATCH", scene.path, {"content": "other words"})


async def delete(scene: Scene) -> None:
    await scene.act(scene.ana, "DELETE", scene.path)


async def react(scene: Scene) -> None:
    await scene.act(scene.ana, "PUT", f"{scene.path}/reactions/🎉")


async def unreact(scene: Scene) -> None:
    await scene.act(scene.bo, "DELETE", f"{scene.path}/reactions/👍")


async def add(scene: Scene) -> None:
    await scene.act(scene.bo, "POST", "/participants", {"participant_ids": [scene.cy.id]})


async def remove(scene: Scene) -> None:
    await add(scene)
    await scene.act(scene.ana, "DELETE", f"/participants/{scene.cy.id}")


async def rename(scene: Scene) -> None:
    await scene.act(scene.bo, "PATCH", "", {"title": "Elsewhere"})


async def read(scene: Scene) -> None:
    await scene.act(scene.bo, "POST", "/read", {"up_to_seq": scene.message["seq"] + 1})


async def add_to_session(scene: Scene) -> None:
    await scene.serve(scene.ana, "POST", "/participants", {"user_id": scene.cy.uid})


async def remove_from_session(scene: Scene) -> None:
    await add_to_session(scene)
    await scene.serve(scene.ana, "DELETE", f"/participants/{scene.cy.uid}")


async def rename_session(scene: Scene) -> None:
    await scene.serve(scene.bo, "PUT", "", {"title": "Elsewhere"})


async def assign(scene: Scene) -> None:
    await scene.serve(scene.ana, "PUT", "", {"assigned_agent_id": scene.agent.uid})


async def assign_who_is_in_it(scene: Scene) -> None:
    await scene.serve(scene.agent, "POST", "/messages", {"content": "What can I do for you?"})
    await assign(scene)


async def switch_on(scene: Scene) -> None:
    await scene.serve(scene.bo, "PUT", "", {"assistant": True})


async def switch_off(scene: Scene) -> None:
    await switch_on(scene)
    await scene.serve(scene.ana, "PUT", "", {"assistant": False})


async def close(scene: Scene) -> None:
    await scene.serve(scene.agent, "POST", "/close")


IN_A_GROUP: dict[str, list[Act]] = {
    "MessagePosted": [post, reply],
    "MessageEdited": [edit],
    "MessageDeleted": [delete],
    "ReactionAdded": [react],
    "ReactionRemoved": [unreact],
    "MemberJoined": [add],
    "MemberLeft": [remove],
    "ConversationRenamed": [rename],
    "ReadMoved": [read],
}
IN_A_SESSION: dict[str, list[Act]] = {
    "MessagePosted": [post, reply],
    "MessageEdited": [edit],
    "MessageDeleted": [delete],
    "ReactionAdded": [react],
    "ReactionRemoved": [unreact],
    "MemberJoined": [add_to_session],
    "MemberLeft": [remove_from_session],
    "ConversationRenamed": [rename_session],
    "ReadMoved": [read],
    "AgentAssigned": [assign, assign_who_is_in_it],
    "AssistantSwitched": [switch_on, switch_off],
    "ConversationEnded": [close],
}
ONLY_IN_SESSIONS = {"AgentAssigned", "AssistantSwitched", "ConversationEnded"}
ALL = [
    pytest.param(kind, act, id=f"{act.__name__} in a {kind}")
    for kind, cases in (("group", IN_A_GROUP), ("session", IN_A_SESSION))
    for acts in cases.values()
    for act in acts
]


@pytest.fixture(scope="module")
def shared_server(demo_server: Server) -> Server:
    """The one with demo data, in which there is an agent."""
    return demo_server


@pytest.fixture
async def scene(kind: str, ana: Client, bo: Client, cy: Client, agent: Client) -> Scene:
    return await new_scene(kind, ana, bo, cy, agent)


async def new_scene(kind: str, ana: Client, bo: Client, cy: Client, agent: Client) -> Scene:
    """Two messages of which Bo has read one; the first has a reaction."""
    session = await new_session(ana, bo) if kind == "session" else None
    lobby = session["conversation_id"] if session else await new_lobby(ana, bo)
    where = f"/conversations/{lobby}"
    first = await ana.post(f"{where}/messages", {"content": "one"})
    scene = Scene(ana, bo, cy, agent, lobby, session and session["id"], first)
    await scene.act(bo, "PUT", f"{scene.path}/reactions/👍")
    await scene.act(bo, "POST", "/read", {"up_to_seq": first["seq"]})
    await ana.post(f"{where}/messages", {"content": "two"})
    return scene


async def picture(viewer: Client, scene: Scene) -> Picture:
    """What a fresh look shows. Who is online is told by other frames than those of this file."""
    where = f"/conversations/{scene.lobby}"
    head = await viewer.get(where)
    for participant in head["participants"]:
        participant["online"] = False
    desk = {}
    if scene.session is not None:
        session = await viewer.get(f"{CHAT}/sessions/{scene.session}")
        desk = {name: session[name] for name in ("assigned_agent_id", "assistant", "status")}
    return Picture(viewer.id, head, await viewer.get(f"{where}/messages", limit=100), desk)


@pytest.mark.parametrize(("kind", "act"), ALL)
async def test_what_was_known_and_what_is_heard_make_what_a_fresh_look_shows(scene, act):
    viewers = [scene.ana, scene.bo]
    sockets = [await viewer.enter(scene.lobby) for viewer in viewers]
    old = [await picture(viewer, scene) for viewer in viewers]
    await act(scene)
    for viewer, socket, known in zip(viewers, sockets, old, strict=True):
        before, fresh = deepcopy(known), await picture(viewer, scene)
        heard = [frame for frame in await socket.frames() if frame["type"] not in PASSING]
        assert heard, "the change was not told"
        for frame in heard:
            known.apply(frame)
        assert known == fresh
        assert before != fresh


@pytest.mark.parametrize(("kind", "act"), ALL)
async def test_who_was_away_is_told_what_those_were_told_who_were_there(scene, act):
    there = await scene.bo.enter(scene.lobby)
    before = (await picture(scene.bo, scene)).head["last_seq"]
    await act(scene)
    live = [frame for frame in await there.frames() if "seq" in frame]
    away = await scene.bo.enter(scene.lobby, f"?after_seq={before}")
    assert [frame for frame in await away.frames() if "seq" in frame] == live


def test_every_event_that_changes_what_a_client_knows_has_a_case():
    assert MessagePosted in Durable.__subclasses__()
    # By name, since a dataclass with slots is made of a class that is still about.
    known = {kind.__name__ for kind in (*Durable.__subclasses__(), ReadMoved)}
    assert known == set(IN_A_SESSION)
    assert known - ONLY_IN_SESSIONS == set(IN_A_GROUP)
