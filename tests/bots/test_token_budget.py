"""The budgets of a day: who is refused, what is given back, and when it begins anew."""

from datetime import timedelta

import pytest

from folkmoot.bots.answerer import AnswerFailed
from folkmoot.bots.model.prompt import composed
from folkmoot.bots.model.token_budget import ALL_IS_USED_UP, OWN_IS_USED_UP, TokenBudget
from tests.bots.answerers import ANA, BO, ModelSetup, collect, sources
from tests.bots.model_server import ModelServer, fails, says, stalls_after
from tests.cast import CountingIds, FrozenClock

PROMPT = composed(sources(), make_fence=CountingIds().secret, max_tokens=4000).tokens
WHOLE = PROMPT + 1000
"""What one question sets aside; an answer of 40 letters takes PROMPT + 10."""
ANSWER = "x" * 40


async def ask_often(
    setup: ModelSetup, server: ModelServer, times: int, asker=ANA
) -> list[str | None]:
    async with setup.answerer(server.url) as answerer:
        return [(await collect(answerer, sources(asker=asker))).failure for _ in range(times)]


async def test_an_account_that_used_up_its_day_is_told_so_and_the_model_is_not_asked(
    server: ModelServer,
) -> None:
    server.will(says(ANSWER))
    setup = ModelSetup(per_account=WHOLE + PROMPT + 10)

    assert await ask_often(setup, server, 3) == [None, None, OWN_IS_USED_UP]

    assert len(server.requests) == 2


async def test_one_account_takes_nothing_from_another(server: ModelServer) -> None:
    server.will(says(ANSWER))
    setup = ModelSetup(per_account=WHOLE)
    async with setup.answerer(server.url) as answerer:
        failures = [(await collect(answerer, sources(asker=one))).failure for one in (ANA, ANA, BO)]

    assert failures == [None, OWN_IS_USED_UP, None]


async def test_all_together_have_a_budget_too(server: ModelServer) -> None:
    server.will(says(ANSWER))
    setup = ModelSetup(for_all=WHOLE)
    async with setup.answerer(server.url) as answerer:
        failures = [(await collect(answerer, sources(asker=one))).failure for one in (ANA, BO)]

    assert failures == [None, ALL_IS_USED_UP]


async def test_zero_is_no_limit(server: ModelServer) -> None:
    assert await ask_often(ModelSetup(), server, 5) == [None] * 5


async def test_a_day_begins_anew_at_midnight_utc(server: ModelServer) -> None:
    setup = ModelSetup(per_account=WHOLE)
    async with setup.answerer(server.url) as answerer:
        first = [(await collect(answerer)).failure for _ in range(2)]
        setup.clock.pass_by(timedelta(hours=12))
        second = [(await collect(answerer)).failure for _ in range(2)]

    assert first == second == [None, OWN_IS_USED_UP]


async def test_what_the_model_never_took_costs_nothing(server: ModelServer) -> None:
    server.will(fails(400), fails(400), says(ANSWER))
    setup = ModelSetup(per_account=WHOLE)

    failures = await ask_often(setup, server, 4)

    assert failures[2:] == [None, OWN_IS_USED_UP]


async def test_a_cancelled_answer_gives_back_what_it_did_not_use(server: ModelServer) -> None:
    server.will(stalls_after(ANSWER), says(ANSWER))
    setup = ModelSetup(per_account=WHOLE + PROMPT + 10)
    async with setup.answerer(server.url) as answerer:
        pieces = answerer.answer(sources())
        await anext(pieces)
        during = (await collect(answerer)).failure
        await pieces.aclose()
        after = [(await collect(answerer)).failure for _ in range(2)]

    assert during == OWN_IS_USED_UP
    assert after == [None, OWN_IS_USED_UP]


def test_a_grant_of_yesterday_changes_nothing_today() -> None:
    clock = FrozenClock()
    budget = TokenBudget(clock, per_account=100, for_all=0)
    old = budget.grant(ANA, 100)
    clock.pass_by(timedelta(days=1))
    budget.grant(ANA, 90)

    budget.settle(old)

    with pytest.raises(AnswerFailed):
        budget.grant(ANA, 20)


def test_more_than_was_set_aside_counts_too() -> None:
    budget = TokenBudget(FrozenClock(), per_account=100, for_all=0)
    grant = budget.grant(ANA, 10)
    grant.spent = 95

    budget.settle(grant)

    with pytest.raises(AnswerFailed):
        budget.grant(ANA, 10)
    assert budget.grant(ANA, 5)
