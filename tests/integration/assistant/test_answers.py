"""A model answers at a real server: streamed, in order, to whoever may see it, whatever it does."""

import asyncio
import json
from typing import Any

import pytest

from tests.bots.model_server import (
    Exchange,
    ModelServer,
    chunk,
    fails,
    hangs_up,
    says,
    stalls_after,
    stalls_at_once,
)
from tests.clients import Client
from tests.deadlines import WITHIN_S
from tests.integration.assistant.chats import CHAT, chat, contents, grown, messages
from tests.integration.desks import enter

PIECES = ("The pump ", "stopped ", "at noon, ", "żółw 👩‍🚀.")
WHOLE = "".join(PIECES)


class Pausing:
    """A model that says one piece, and the others once it is let go on."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.go_on = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece(self.pieces[0])
        async with asyncio.timeout(WITHIN_S):
            await self.go_on.wait()
        for piece in self.pieces[1:]:
            await exchange.piece(piece)
        await exchange.event(chunk(None, "stop"))
        await exchange.event("[DONE]")


async def test_what_streams_adds_up_to_the_message_of_the_same_id(ana: Client, model: ModelServer):
    model.will(says(*PIECES))
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]

    question = await socket.asks("Why?", session, stream=True)
    answer, before = await socket.answer(question)

    assert answer["content"] == grown(before) == WHOLE
    deltas = [frame for frame in before if frame["type"] == "message_delta"]
    assert {frame["message_id"] for frame in deltas} == {answer["id"]}
    assert {frame["reply_to_id"] for frame in deltas} == {question["id"]}
    assert (answer["seq"], answer["metadata"]["cut_short"]) == (question["seq"] + 1, None)
    assert model.requests[-1].body["stream"] is True
    assert "Why?" in model.requests[-1].prompt
    assert await contents(ana, session) == ["Why?", WHOLE]


async def test_the_space_around_an_answer_is_neither_streamed_nor_kept(
    ana: Client, model: ModelServer
):
    model.will(says("\n\n The pump", " ", "stopped.", " \n", "\n"))
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    question = await socket.asks("Why?", session, stream=True)
    answer, before = await socket.answer(question)
    assert answer["content"] == grown(before) == "The pump stopped."


async def test_a_device_that_did_not_ask_for_a_stream_sees_no_delta(
    ana: Client, model: ModelServer
):
    model.will(says(*PIECES))
    laptop, phone = await chat(ana), await chat(ana)
    session = (await laptop.joins())["session_id"]
    await phone.joins(session)

    question = await laptop.asks("Why?", session, stream=True)
    answer, before = await phone.answer(question)

    assert answer["content"] == WHOLE
    assert "message_delta" not in {frame["type"] for frame in before}


async def test_who_joined_with_stream_sees_the_answers_to_others_grow(
    ana: Client, bo: Client, model: ModelServer
):
    model.will(says(*PIECES))
    asker, watcher = await chat(ana), await chat(bo)
    session = (await asker.joins())["session_id"]
    await ana.post(f"{CHAT}/sessions/{session}/participants", {"user_id": bo.uid})
    await watcher.joins(session, stream=True)

    question = await asker.asks("Why?", session)
    answer, before = await watcher.answer(question)
    same, seen = await asker.answer(question)

    assert (answer["content"], grown(before)) == (WHOLE, WHOLE)
    assert (same["id"], grown(seen)) == (answer["id"], "")


async def test_two_sessions_on_one_socket_are_answered_apart(ana: Client, model: ModelServer):
    slow = Pausing("slow ", "but sure")
    model.will(slow, says("quick"))
    socket = await chat(ana)
    first = (await socket.joins(title="First"))["session_id"]
    second = (await socket.joins(title="Second"))["session_id"]

    slowly = await socket.asks("And here?", first, stream=True)
    await socket.delta(session_id=first)
    quickly = await socket.asks("And there?", second)
    answer, before = await socket.answer(quickly)
    slow.go_on.set()
    late, _ = await socket.answer(slowly)

    assert (answer["session_id"], answer["content"]) == (second, "quick")
    assert {frame["session_id"] for frame in before} == {second}
    assert (late["session_id"], late["content"]) == (first, "slow but sure")


async def test_questions_of_one_session_are_answered_in_their_order(
    ana: Client, model: ModelServer
):
    slow = Pausing("one", "!")
    model.will(slow, says("two"), says("three"))
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]

    questions = [await socket.asks(f"{n}?", session) for n in range(3)]
    await model.request_number(1)
    assert len(model.requests) == 1
    slow.go_on.set()
    answers = [(await socket.answer(question))[0] for question in questions]

    assert [answer["content"] for answer in answers] == ["one!", "two", "three"]
    assert [answer["seq"] for answer in answers] == [4, 5, 6]


async def test_another_device_cancels_and_what_there_is_stays(ana: Client, model: ModelServer):
    model.will(stalls_after("As far as "))
    laptop, phone = await chat(ana), await chat(ana)
    session = (await laptop.joins())["session_id"]
    await phone.joins(session)
    question = await laptop.asks("Why?", session, stream=True)
    await laptop.delta()

    await phone.says({"type": "cancel", "session_id": session})
    answer, _ = await laptop.answer(question)

    assert (answer["content"], answer["metadata"]["cut_short"]) == ("As far as", "cancelled")
    assert (await phone.answer(question))[0] == answer
    exchange = await model.request_number(1)
    async with asyncio.timeout(WITHIN_S):
        await exchange.is_gone.wait()
    model.will(says("And on."))
    assert (await laptop.answer(await laptop.asks("More?", session)))[0]["content"] == "And on."


async def test_only_the_asker_cancels(ana: Client, bo: Client, agent: Client, model: ModelServer):
    model.will(slow := Pausing("mine", "!"))
    asker, other, staff = await chat(ana), await chat(bo), await chat(agent)
    session = (await asker.joins())["session_id"]
    await ana.post(f"{CHAT}/sessions/{session}/participants", {"user_id": bo.uid})
    await other.joins(session)
    await staff.joins(session)
    question = await asker.asks("Why?", session, stream=True)
    await asker.delta()

    for socket in (other, staff):
        refused = await socket.refusal({"type": "cancel", "session_id": session})
        assert refused["code"] == "nothing_to_cancel"
    slow.go_on.set()

    assert (await asker.answer(question))[0]["content"] == "mine!"


async def test_who_joins_late_is_sent_the_text_so_far(ana: Client, model: ModelServer):
    slow = Pausing("So far ", "and ", "further.")
    model.will(slow)
    early, plain, streaming = [await chat(ana) for _ in range(3)]
    session = (await early.joins())["session_id"]
    question = await early.asks("Why?", session, stream=True)
    first = await early.delta()

    so_far = (await plain.joins(session))["answering"]
    assert (await streaming.joins(session, stream=True))["answering"] is None
    caught_up = await streaming.delta()
    slow.go_on.set()
    answer, rest = await streaming.answer(question)
    same, seen = await plain.answer(question)

    assert so_far == {
        "message_id": first["message_id"],
        "reply_to_id": question["id"],
        "content": "So far",
    }
    assert (caught_up["delta"], caught_up["position"]) == ("So far", 0)
    assert grown([caught_up, *rest]) == answer["content"] == "So far and further."
    assert (same["id"], grown(seen)) == (first["message_id"], "")


async def test_who_sends_a_question_again_sees_its_answer_from_its_beginning(
    ana: Client, model: ModelServer
):
    slow = Pausing("So far ", "and further.")
    model.will(slow)
    lost, back = await chat(ana), await chat(ana)
    session = (await lost.joins())["session_id"]
    question = await lost.asks("Why?", session, stream=True, client_id="q")
    await lost.delta()
    await lost.connection.close()

    await back.joins(session, after_seq=0)
    again = await back.asks("Why?", session, stream=True, client_id="q")
    assert (again["id"], again["seq"]) == (question["id"], question["seq"])
    caught_up = await back.delta()
    slow.go_on.set()
    answer, rest = await back.answer(question)

    assert grown([caught_up, *rest]) == answer["content"] == "So far and further."


@pytest.mark.parametrize(
    "act", [fails(400), fails(500), hangs_up], ids=["refuses", "fails", "hangs up"]
)
async def test_whoever_asks_a_model_that_fails_is_told_and_keeps_the_question(
    ana: Client, model: ModelServer, act: Any
):
    model.will(act)
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]

    question = await socket.asks("Why?", session)
    notice, _ = await socket.answer(question, "system")

    assert "assistant" in notice["content"]
    assert notice["sender_id"] is None
    assert [each["id"] for each in await messages(ana, session)] == [question["id"], notice["id"]]
    model.will(says("Back."))
    assert (await socket.answer(await socket.asks("And now?", session)))[0]["content"] == "Back."


async def test_what_a_model_thinks_is_in_no_delta_no_message_and_no_later_prompt(
    ana: Client, model: ModelServer
):
    model.will(says("<thi", "nk>A secret thought.</th", "ink>\n\nThe whale ", "is blue."))
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    question = await socket.asks("Which colour?", session, stream=True)
    answer, before = await socket.answer(question)
    model.will(says("Yes."))
    await socket.answer(await socket.asks("Is it?", session))

    assert answer["content"] == grown(before) == "The whale is blue."
    assert "secret" not in json.dumps(before)
    assert "secret" not in json.dumps(await messages(ana, session))
    assert "The whale is blue." in model.requests[-1].prompt
    assert "secret" not in model.requests[-1].prompt


async def test_what_came_before_a_model_failed_stays_and_is_marked(ana: Client, model: ModelServer):
    async def breaks(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.piece("It is be")
        exchange.writer.transport.abort()

    model.will(breaks)
    socket = await chat(ana)
    session = (await socket.joins())["session_id"]
    question = await socket.asks("Why?", session, stream=True)
    answer, before = await socket.answer(question)
    notice, _ = await socket.answer(question, "system")

    assert answer["content"] == grown(before) == "It is be"
    assert answer["metadata"]["cut_short"] == notice["content"]


class TestTakingOver:
    """A human of staff writes: the assistant falls silent, and what it was about to say is lost."""

    async def asked(self, ana: Client, model: ModelServer):
        model.will(stalls_after("I think "))
        socket = await chat(ana)
        session = (await socket.joins())["session_id"]
        question = await socket.asks("Why?", session, stream=True)
        await socket.delta()
        return socket, session, question

    async def is_silent(self, socket, session: str, question, model: ModelServer) -> None:
        """The answer is dropped, and nothing is answered any more."""
        dropped = await socket.until("message_dropped")
        assert dropped["reply_to_id"] == question["id"]
        model.will(says("late"))
        await socket.asks("Anybody?", session)
        kinds = [frame["type"] for frame in await socket.frames()]
        assert "message" not in kinds
        assert "message_delta" not in kinds
        assert len(model.requests) == 1

    async def test_through_sessions(self, ana, agent, model):
        socket, session, question = await self.asked(ana, model)
        human = await enter(agent, {"id": session})
        await human.text("I take this.")
        await socket.until("message", content="I take this.")
        await self.is_silent(socket, session, question, model)
        assert await contents(ana, session) == ["Why?", "I take this.", "Anybody?"]

    async def test_through_sessions_by_rest(self, ana, agent, model):
        socket, session, question = await self.asked(ana, model)
        await agent.post(f"{CHAT}/sessions/{session}/messages", {"content": "I take this."})
        await self.is_silent(socket, session, question, model)

    async def test_through_conversations(self, ana, agent, model):
        socket, session, question = await self.asked(ana, model)
        await ana.post(f"{CHAT}/sessions/{session}/participants", {"user_id": "agent"})
        number = (await ana.get(f"{CHAT}/sessions/{session}"))["conversation_id"]
        human = await agent.enter(number)
        await human.says({"content": "I take this."})
        await self.is_silent(socket, session, question, model)

    async def test_through_support(self, ana, agent, model, desks):
        socket, session, question = await self.asked(ana, model)
        human = await desks(agent.login)
        said = await human.says("I take this.", receiver_id=ana.uid)
        assert said["session_id"] == session
        await self.is_silent(socket, session, question, model)

    async def test_through_the_assistants_own_contract(self, ana, agent, model):
        socket, session, question = await self.asked(ana, model)
        human = await chat(agent)
        await human.joins(session)
        await human.asks("I take this.", session)
        await self.is_silent(socket, session, question, model)

    async def test_ending_the_session_ends_the_answer_too(self, ana, model):
        socket, session, question = await self.asked(ana, model)
        await socket.says({"type": "chat_message", "session_id": session, "content": "/clear"})
        dropped = await socket.until("message_dropped")
        assert dropped["reply_to_id"] == question["id"]
        assert await contents(ana, session) == ["Why?"]

    async def test_staff_who_ask_in_a_session_of_their_own_are_answered(self, agent, model):
        model.will(says("You, too."))
        socket = await chat(agent)
        session = (await socket.joins())["session_id"]
        answer, _ = await socket.answer(await socket.asks("Why?", session))
        assert answer["content"] == "You, too."

    async def test_only_staff_give_it_back(self, ana, agent, model):
        socket, session, _ = await self.asked(ana, model)
        await agent.post(f"{CHAT}/sessions/{session}/messages", {"content": "I take this."})
        await socket.until("message_dropped")
        model.will(says("In time."))

        path = f"{CHAT}/sessions/{session}"
        refused = await ana.ask("PUT", path, json={"assistant": True})
        assert (refused.status_code, refused.json()["code"]) == (403, "role_needed")
        granted = await agent.ask("PUT", path, json={"assistant": True})
        assert (granted.status_code, granted.json()["assistant"]) == (200, True)
        answer, _ = await socket.answer(await socket.asks("And now?", session))

        assert answer["content"] == "In time."
        said = await contents(ana, session)
        assert said == ["Why?", "I take this.", "And now?", "In time."]


class TestOtherContracts:
    """A question is answered whichever contract it comes through; each sees its own shapes."""

    async def opened(self, client: Client) -> dict[str, Any]:
        found: dict[str, Any] = await client.post(
            f"{CHAT}/sessions", {"title": "LOBBY", "assistant": True}
        )
        return found

    async def test_sessions(self, ana, model):
        model.will(says("By socket."), says("By REST."))
        session = await self.opened(ana)
        socket = await enter(ana, session)

        await socket.text("Why?")
        question = await socket.until("message")
        by_socket = await socket.until("message", sender_name="assistant")
        posted = await ana.post(f"{CHAT}/sessions/{session['id']}/messages", {"content": "How?"})
        await socket.until("message", message_id=posted["id"])
        by_rest = await socket.until("message", sender_name="assistant")

        assert (by_socket["content"], by_socket["user_id"]) == ("By socket.", None)
        assert by_socket["metadata"]["reply_to_id"] == question["metadata"]["message_id"]
        assert by_rest["content"] == "By REST."
        assert by_rest["metadata"]["reply_to_id"] == posted["id"]

    async def test_conversations(self, ana, model):
        model.will(says("By number."))
        session = await self.opened(ana)
        socket = await ana.enter(session["conversation_id"])

        await socket.says({"content": "Why?"})
        question = await socket.until("message", sender_id=ana.id)
        answer = await socket.until("message", sender_id=None)

        assert answer["content"] == "By number."
        assert answer["reply_to_id"] == question["id"]
        path = f"/conversations/{session['conversation_id']}/messages"
        history = await ana.get(path)
        assert [each["content"] for each in history] == ["Why?", "By number."]

    async def test_support(self, ana, model, desks):
        model.will(says("At the desk."))
        session = await self.opened(ana)
        customer = await desks(ana.login)

        question = await customer.says("Why?")
        answer = await customer.until("receive_message", message_text="At the desk.")

        assert question["session_id"] == answer["session_id"] == session["id"]
        assert answer["sender_id"] is None
        assert answer["seq"] == question["seq"] + 1


class TestSlowModel:
    """A model that says nothing, at a server of little patience."""

    async def test_it_is_given_up_and_the_next_question_is_answered(self, ana, model, impatient):
        model.will(stalls_at_once)
        socket = await chat(impatient)
        session = (await socket.joins())["session_id"]

        question = await socket.asks("Why?", session)
        notice, _ = await socket.answer(question, "system")

        assert notice["metadata"]["reply_to_id"] == question["id"]
        model.will(says("Awake."))
        answer, _ = await socket.answer(await socket.asks("And now?", session))
        assert answer["content"] == "Awake."
        said = await contents(impatient, session)
        assert said == ["Why?", notice["content"], "And now?", "Awake."]
