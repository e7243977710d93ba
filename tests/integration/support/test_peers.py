"""The clients of these tests themselves: whenever they leave, nothing of theirs stays open."""

import asyncio

import pytest

from tests.deadlines import WITHIN_S
from tests.integration.support.peers import TRANSPORTS


@pytest.mark.parametrize("way", TRANSPORTS)
async def test_a_client_that_leaves_while_coming_back_keeps_nothing_open(opened, wire, ana, way):
    customer = await opened(ana, way, wire=wire)
    wire.break_down()
    await customer.until("connect_error")

    await customer.leave()

    assert customer.open_sessions() == []


@pytest.mark.parametrize("way", TRANSPORTS)
async def test_a_client_that_leaves_as_it_gets_back_in_is_out_again(opened, wire, ana, way):
    customer = await opened(ana, way, wire=wire)
    getting_in = asyncio.Event()

    def say_who():
        getting_in.set()
        return {"token": ana.token}

    customer.io.connection_auth = say_who
    await customer.is_cut_off(wire)
    await asyncio.wait_for(getting_in.wait(), WITHIN_S)

    await customer.leave()

    assert not customer.io.connected
    assert customer.open_sessions() == []
