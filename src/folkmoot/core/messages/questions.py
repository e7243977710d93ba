"""What a message in a session is to the assistant there: a question, or that a human takes over."""

from dataclasses import replace

from folkmoot.core.accounts.model import STAFF, Person
from folkmoot.core.conversations.events import AssistantSwitched
from folkmoot.core.conversations.model import Conversation, Desk, DeskChange
from folkmoot.core.conversations.timeline import next_position
from folkmoot.core.messages.facts import Facts
from folkmoot.core.messages.model import Message, MessageKind, NewMessage
from folkmoot.core.messages.owed_answers import OwedAnswer
from folkmoot.core.messages.store import MessageWork
from folkmoot.core.tasks.store import add_tasks


def is_answered_by_human(head: Conversation, author: Person) -> bool:
    """Whether one of staff speaks to somebody else's question."""
    return author.role in STAFF and author.id != head.created_by


def heed(facts: Facts, desk: Desk, message: NewMessage, author: Person) -> None:
    """Note what an accepted message, the newest of its session, is to the assistant, which is on.

    Called once for each, before the next draft is judged: a batch may hold both the question and
    the human's answer. A picture or another file, which the assistant cannot see, asks nothing.
    """
    index = len(facts.accepted) - 1
    head = facts.heads[message.conversation_id]
    if not is_answered_by_human(head, author):
        if message.body.kind is MessageKind.TEXT and message.body.attachment is None:
            facts.questions[index] = desk.ownership
        return
    switch = AssistantSwitched(**next_position(head, message.created_at), is_on=False, actor=author)
    taken = replace(desk, assistant_on=False, ownership=desk.ownership + 1, taken_over=True)
    facts.switches[index] = switch
    facts.heads[head.id] = replace(head, last_seq=switch.seq, desk=taken)


async def take_over(work: MessageWork, facts: Facts) -> None:
    """Store that humans took sessions over, and write it down in their timelines."""
    for switch in facts.switches.values():
        desk = facts.heads[switch.conversation_id].desk
        if desk is not None:
            await work.desks.change(
                switch.conversation_id,
                DeskChange(
                    assistant_on=False,
                    ownership=desk.ownership,
                    taken_over=True,
                    left_to_people=False,
                ),
            )
    await work.timeline.keep(list(facts.switches.values()))


async def owe(work: MessageWork, facts: Facts, stored: list[Message]) -> None:
    """Add the answering of questions to what must be done."""
    owed = [
        OwedAnswer(
            question_id=stored[index].id,
            conversation_id=stored[index].conversation_id,
            ownership=ownership,
        ).task(stored[index].created_at)
        for index, ownership in facts.questions.items()
    ]
    await add_tasks(work, owed)
