"""Watching: in the order of the log, nothing left out, resumable, and honest with whoever is too slow."""

import asyncio
from collections.abc import AsyncGenerator

import grpc
import pytest

from services.allocation.reservations import Reservation, State
from services.runtime.problems import Problem
from services.scheduler import watch
from services.scheduler.group_commit import Sheet
from services.scheduler.watch import Change, Watches


def reservation(number: int, company: str = "ALPHA") -> Reservation:
    """A reservation that somebody changed."""
    return Reservation(
        id=f"r{number}",
        company=company,
        state=State.CONFIRMED,
        start=0,
        end=1,
        lines=(),
        allocations=(),
        created_at=0,
    )


def tell(watches: Watches, position: int, *changes: Reservation) -> None:
    """A page with these changes is durable."""
    sheet = Sheet(position)
    sheet.changes.extend(changes)
    watches.on_durable(sheet)


async def take(stream: AsyncGenerator[Change, None], count: int) -> list[tuple[int, str]]:
    """The next few answers of a stream: positions and ids."""
    taken = []
    async with asyncio.timeout(5):
        for _ in range(count):
            position, change = await anext(stream)
            taken.append((position, change.id if change else ""))
    return taken


async def test_a_watch_begins_with_a_bookmark() -> None:
    """Whoever watches from now on is told where now is, and then what comes."""
    watches = Watches(7)
    stream = watches.follow("ALPHA", 0)
    assert await take(stream, 1) == [(7, "")]
    tell(watches, 8, reservation(1))
    assert await take(stream, 1) == [(8, "r1")]


async def test_changes_come_in_the_order_of_the_log() -> None:
    """What was missed comes first, then a bookmark, then what is new: no gap and nothing twice."""
    watches = Watches(0)
    for position in range(1, 6):
        tell(watches, position, reservation(position))
    stream = watches.follow("ALPHA", 2)
    first = await take(stream, 1)
    tell(watches, 6, reservation(6))
    rest = await take(stream, 4)
    assert first + rest == [(3, "r3"), (4, "r4"), (5, "r5"), (5, ""), (6, "r6")]


async def test_a_company_sees_its_own_changes_only() -> None:
    """P8: another company's changes are not even counted."""
    watches = Watches(0)
    mine, everybody = watches.follow("ALPHA", 0), watches.follow("", 0)
    await take(mine, 1)
    await take(everybody, 1)
    tell(watches, 1, reservation(1, "BETA"), reservation(2), reservation(3, "BETA"))
    tell(watches, 2, reservation(4))
    assert await take(mine, 2) == [(1, "r2"), (2, "r4")]
    assert [name for _, name in await take(everybody, 4)] == ["r1", "r2", "r3", "r4"]
    assert [name for _, name in await take(watches.follow("ALPHA", 1), 2)] == ["r4", ""]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("seen", [1, 2, 3])
async def test_a_stream_resumed_within_a_page_misses_nothing(seen: int, live: bool) -> None:
    """P8: whoever breaks off after any change, and resumes from its position, still hears of all the others."""
    watches = Watches(5)
    stream = watches.follow("", 5)
    if live:
        await take(stream, 1)
    page = [reservation(number, company) for number, company in enumerate(["ALPHA", "BETA", "ALPHA"], 1)]
    tell(watches, 6, *page)
    tell(watches, 7, reservation(4))
    heard = await take(stream, seen)
    await stream.aclose()
    again = await take(watches.follow("", heard[-1][0]), 4 if seen < 3 else 1)
    assert {"r1", "r2", "r3", "r4"} <= {name for _, name in heard + again}


async def test_the_future_is_out_of_range() -> None:
    """A position that is not reached cannot be resumed from, and the answer says what is."""
    with pytest.raises(Problem) as problem:
        await take(Watches(7).follow("ALPHA", 8), 1)
    assert problem.value.code is grpc.StatusCode.OUT_OF_RANGE
    assert problem.value.metadata["position"] == "7"


async def test_what_is_no_longer_kept_is_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """A position before the kept changes is refused with the oldest that is good; that one misses nothing."""
    monkeypatch.setattr(watch, "CHANGES_KEPT", 3)
    watches = Watches(0)
    for position in range(1, 11):
        tell(watches, position, reservation(position))
    with pytest.raises(Problem) as problem:
        await take(watches.follow("ALPHA", 1), 1)
    assert problem.value.code is grpc.StatusCode.OUT_OF_RANGE
    oldest = int(problem.value.metadata["oldest_position"])
    assert oldest == 7
    assert await take(watches.follow("ALPHA", oldest), 3) == [(8, "r8"), (9, "r9"), (10, "r10")]


async def test_a_restart_keeps_nothing_from_before() -> None:
    """After a restart at position 7 one can resume from 7, not from 6."""
    watches = Watches(7)
    assert await take(watches.follow("ALPHA", 7), 1) == [(7, "")]
    with pytest.raises(Problem):
        await take(watches.follow("ALPHA", 6), 1)


async def told_to_resume(stream: AsyncGenerator[Change, None]) -> tuple[list[str], int]:
    """Read a stream until it ends as too slow: the names heard, and where to resume."""
    names: list[str] = []

    async def read() -> None:
        async for _, change in stream:
            names.append(change.id if change else "")

    with pytest.raises(Problem) as problem:
        await read()
    assert problem.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    return names, int(problem.value.metadata["position"])


@pytest.mark.parametrize("at_first", [0, 1])
async def test_a_slow_listener_is_told_and_misses_nothing(at_first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever falls too far behind is let go with a position, and everything after it is still there."""
    monkeypatch.setattr(watch, "PAGES_MAX", 4)
    watches = Watches(0)
    tell(watches, 1, reservation(1))
    stream = watches.follow("ALPHA", 0 if at_first else 1)
    await take(stream, 1)
    for position in range(2, 12):
        tell(watches, position, reservation(position))
    heard, resume = await told_to_resume(stream)
    again = await take(watches.follow("ALPHA", resume), 10)
    names = heard + [name for _, name in again]
    assert {f"r{number}" for number in range(2, 12)} <= set(names)


async def test_a_page_larger_than_any_queue_loses_nothing() -> None:
    """A page with thousands of changes reaches a listener that was waiting for it whole."""
    watches = Watches(0)
    stream = watches.follow("ALPHA", 0)
    await take(stream, 1)
    waiting = asyncio.create_task(take(stream, 3000))
    await asyncio.sleep(0)
    tell(watches, 1, *(reservation(number) for number in range(3000)))
    assert [name for _, name in await waiting] == [f"r{number}" for number in range(3000)]


async def test_bookmarks_come_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet stream still says how far the log has come."""
    monkeypatch.setattr(watch, "BOOKMARK_SECONDS", 0.01)
    watches = Watches(0)
    stream = watches.follow("ALPHA", 0)
    await take(stream, 1)
    tell(watches, 1, reservation(1, "BETA"))
    assert await take(stream, 1) == [(1, "")]


async def test_a_stream_that_ends_is_forgotten() -> None:
    """Opened and closed streams leave nothing behind."""
    watches = Watches(0)
    for _ in range(100):
        stream = watches.follow("ALPHA", 0)
        await take(stream, 1)
        assert watches.streams == 1
        await stream.aclose()
    assert watches.streams == 0
