"""How the board asks: again where that helps, and no more often than it helps."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from services.board.doors import calls as doors
from services.board.doors.answers import Limited, Missing
from services.board.doors.calls import ATTEMPTS_MAX, SEARCHES_AT_ONCE_MAX, Caller
from services.board.doors.session import Person
from services.scheduler.turns import LONG_MAX


class Busy:
    """A method that fails some times before it answers."""

    def __init__(self, code: grpc.StatusCode, times: int) -> None:
        self.code, self.times, self.asked = code, times, 0

    async def __call__(self, request: str, **_: Any) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise AioRpcError(self.code, Metadata(), Metadata(), details="not now")
        return request


@pytest.fixture
async def caller(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Caller]:
    """Somebody who does not wait between two attempts."""
    monkeypatch.setattr(doors, "PAUSE_SECONDS", 0)
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        yield Caller(doors.Doors(channel, channel), Person("token", "kim", "company", "CMP-0001", 0))


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_what_passes_is_waited_out(caller: Caller, code: grpc.StatusCode) -> None:
    """A page asks for much at once: that a part of it is too much for a moment does not spoil the page."""
    busy = Busy(code, times=ATTEMPTS_MAX - 1)
    assert await caller.ask(busy, "what is free") == "what is free"
    assert busy.asked == ATTEMPTS_MAX


async def test_nobody_is_asked_for_ever(caller: Caller) -> None:
    """What stays too much is told to whoever looks, who may try again later."""
    busy = Busy(grpc.StatusCode.RESOURCE_EXHAUSTED, times=100)
    with pytest.raises(Limited):
        await caller.ask(busy, "what is free")
    assert busy.asked == ATTEMPTS_MAX


async def test_a_definite_answer_is_asked_for_once(caller: Caller) -> None:
    """What is not there will not be there a moment later."""
    busy = Busy(grpc.StatusCode.NOT_FOUND, times=100)
    with pytest.raises(Missing):
        await caller.ask(busy, "what is not there")
    assert busy.asked == 1


async def test_a_page_searches_for_a_few_things_at_once(caller: Caller) -> None:
    """However many sizes of however many pools it tells of, a company has searches to spare beside it."""
    under_way, most = 0, 0

    async def look(request: str, **_: Any) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return request

    caller.scheduler.SearchOffers = look
    assert len(await asyncio.gather(*(caller.search("when") for _ in range(50)))) == 50
    assert most == SEARCHES_AT_ONCE_MAX < LONG_MAX
