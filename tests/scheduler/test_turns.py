"""Turns: P11, long work of one tenant does not hold up what others ask, and has an end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration

from services.allocation.offering.steps import Steps
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem
from services.scheduler import turns
from services.scheduler.turns import LONG_MAX, Turns
from tests.scheduler.serving import BETA, Desk, Refused, demand, serving

HEAVY = api.SearchOffersRequest(
    parent="companies/ALPHA",
    lines=[api.Line(resource="resources/cpu", units=200)],
    duration=Duration(seconds=2 * 3600),
    duration_max=Duration(seconds=40 * 3600),
    units_min={"resources/cpu": 1},
    order=api.OFFER_ORDER_CHEAPEST,
    refused_max=20,
    page_size=20,
)


@pytest_asyncio.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The fixture centre, in which every step of a search is a turn."""
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)
    async with serving(tmp_path / "keys") as served:
        yield served


def steps(count: int, told: list[str], name: str) -> Steps[str]:
    """So many steps, each of which is noted."""
    for _ in range(count):
        told.append(name)
        yield
    return name


def slow() -> Turns:
    """Turns of one step each."""
    return Turns(lambda: 0, turn_seconds=0.0)


async def test_a_read_is_answered_while_another_tenant_searches_fifty_times(desk: Desk) -> None:
    """P11: whoever reads waits for a turn, not for the searches; what is too much is refused, to be asked again."""
    made = await desk.call("CreateReservation", demand(900, ("cpu", 1), company="BETA"), BETA)
    ended: list[str] = []
    under_way = asyncio.Event()

    async def search() -> None:
        try:
            await desk.call("SearchOffers", HEAVY)
            ended.append("done")
        except Refused as refused:
            ended.append(refused.reason)
        under_way.set()

    searches = [asyncio.create_task(search()) for _ in range(50)]
    await under_way.wait()
    read = await desk.call("GetReservation", api.GetReservationRequest(name=made.name), BETA)
    assert read.name == made.name
    assert "done" not in ended
    await asyncio.gather(*searches)
    assert ended.count("done") >= LONG_MAX
    assert set(ended) == {"done", "TOO_MANY_SEARCHES"}
    assert (await desk.call("SearchOffers", HEAVY)).offers  # There is room for it again.


async def test_a_read_is_answered_while_another_tenant_has_fifty_refusals_explained(desk: Desk) -> None:
    """P11: a no is definite at once; what would be granted instead is looked for in turns, and left out if too much."""
    made = await desk.call("CreateReservation", demand(900, ("cpu", 1), company="BETA"), BETA)
    explained: list[bool] = []

    async def too_much(number: int) -> None:
        with pytest.raises(Refused) as refused:
            await desk.call("CreateReservation", demand(number, ("cpu", 100_000)))
        assert refused.value.reason != "TOO_MANY_SEARCHES"
        explained.append(bool(refused.value.refusal.smallest_changes))

    asked = [asyncio.create_task(too_much(number)) for number in range(50)]
    await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    read = await desk.call("GetReservation", api.GetReservationRequest(name=made.name), BETA)
    assert read.name == made.name
    assert len(explained) < len(asked)
    await asyncio.gather(*asked)
    assert explained.count(True) >= LONG_MAX
    assert False in explained


async def test_tenants_take_turns_and_not_searches() -> None:
    """Whoever has three pieces of work under way does not get three times as much of the processor."""
    shared, told = slow(), list[str]()
    work = [shared.take("busy", steps(30, told, "busy")) for _ in range(3)]
    await asyncio.gather(*work, shared.take("calm", steps(30, told, "calm")))
    last = len(told) - told[::-1].index("calm")
    assert told[:last].count("busy") <= 33


async def test_everybody_else_runs_between_two_turns() -> None:
    """No two turns are had without a round of the event loop between them."""
    shared, told = slow(), list[str]()

    async def other() -> None:
        while "done" not in told:
            told.append("other")
            await asyncio.sleep(0)

    async def long() -> None:
        await asyncio.gather(*(shared.take("busy", steps(20, told, "turn")) for _ in range(4)))
        told.append("done")

    await asyncio.gather(other(), long())
    assert "turn turn" not in " ".join(told)


async def test_short_work_does_not_count_and_long_work_has_a_limit() -> None:
    """A tenant has so many pieces of long work under way; others, and what takes one turn, are not refused for it."""
    shared, told = slow(), list[str]()
    under_way = asyncio.Event()

    def counted() -> Steps[str]:
        for step in steps(40, told, "busy"):
            yield step
            if len(told) == 2 * LONG_MAX:
                under_way.set()
        return "busy"

    work = [asyncio.create_task(shared.take("busy", counted())) for _ in range(LONG_MAX)]
    await under_way.wait()
    with pytest.raises(Problem) as refused:
        await shared.take("busy", steps(40, told, "more"))
    assert (refused.value.reason, refused.value.retry_after_seconds) == ("TOO_MANY_SEARCHES", turns.RETRY_SECONDS)
    assert await shared.take("busy", steps(0, told, "short")) == "short"
    assert await shared.take("calm", steps(40, told, "calm")) == "calm"
    await asyncio.gather(*work)
    assert await shared.take("busy", steps(40, told, "again")) == "again"


@pytest.mark.parametrize("moment", range(6))
async def test_whoever_goes_away_takes_no_turn_with_it(moment: int) -> None:
    """A call that is cancelled, whenever that is, leaves the turn to the others."""
    shared, told = slow(), list[str]()
    gone = [asyncio.create_task(shared.take("gone", steps(40, told, "gone"))) for _ in range(3)]
    for _ in range(moment):
        await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert await in_time(shared.take("calm", steps(3, told, "calm"))) == "calm"
    assert await in_time(shared.take("gone", steps(3, told, "gone"))) == "gone"


async def in_time(work: Awaitable[str]) -> str:
    """The answer; an error where it never comes."""
    async with asyncio.timeout(5):
        return await work
