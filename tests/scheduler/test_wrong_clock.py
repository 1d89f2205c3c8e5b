"""A clock that is set back or ahead, or stands still: the log's time never goes back, and nothing happens twice."""

import asyncio
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.allocation.events import (
    ReservationActivated,
    ReservationCompleted,
    ReservationConfirmed,
    ReservationExpired,
)
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation, State
from services.eventlog.memory import MemoryLog
from services.scheduler import clock as clock_module
from services.scheduler.clock import WallClock
from services.scheduler.group_commit import TimeUnknown
from services.scheduler.snapshotter import Snapshotter
from services.scheduler.start import lead
from services.scheduler.telemetry import Telemetry
from services.scheduler.timekeeping import ClockWatch
from services.scheduler.watch import Watches
from services.scheduler.writer import Writer
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, book, line
from tests.scheduler.desk import CENTRE, NOON, THINGS, ManualClock, MemorySnapshots, ask, leading, pages

DAY = 24 * HOUR
ONCE = (ReservationConfirmed, ReservationActivated, ReservationCompleted, ReservationExpired)


async def pass_time(writer: Writer) -> None:
    """Whatever is due by the clock happens."""
    while writer.tick():
        await writer.settled()


async def booked(writer: Writer, start: int, hold: int = 0) -> Reservation:
    """A core for an hour, or an offer of one that is held."""
    made, _ = await writer.submit(ask(book("ALPHA", line("cpu"), start=start, hours=1, hold=hold)))
    assert isinstance(made, Reservation)
    return made


def times(log: MemoryLog) -> list[int]:
    """Every time in a log, in the order in which it stands there."""
    return [moment for page in pages(log) for moment in (*(entry.time for entry in page.entries), page.time)]


def check(log: MemoryLog) -> None:
    """Time never goes back, and nothing that happens once to a reservation happened twice."""
    assert times(log) == sorted(times(log))
    happened = Counter(
        (type(event), event.reservation_id)
        for page in pages(log)
        for entry in page.entries
        for event in entry.events
        if isinstance(event, ONCE)
    )
    assert set(happened.values()) <= {1}


async def test_a_clock_set_back_an_hour_lets_time_stand_still() -> None:
    """What has begun has begun; what is decided meanwhile bears the time that was reached; then time goes on."""
    log, clock = MemoryLog(), ManualClock(NOON - HOUR)
    async with leading(log, *THINGS, clock=clock) as writer:
        first = await booked(writer, NOON)
        clock.seconds = NOON + 10
        await pass_time(writer)
        clock.seconds -= HOUR
        second = await booked(writer, NOON + HOUR)
        await pass_time(writer)
        assert writer.centre.reservations[first.id].state is State.ACTIVE
        assert writer.now() == times(log)[-1] == (NOON + 10) * 1_000_000
        with pytest.raises(Rejected, match="ago"):
            await booked(writer, NOON - HOUR // 2)
        clock.seconds = NOON + HOUR + 5
        await pass_time(writer)
        assert writer.centre.reservations[second.id].state is State.ACTIVE
    check(log)


async def test_a_clock_set_ahead_a_day_and_back_ends_nothing_twice() -> None:
    """What was due by the wrong clock has happened, once, in its order; set right again, nothing of it is undone."""
    log, clock = MemoryLog(), ManualClock(NOON - HOUR)
    async with leading(log, *THINGS, clock=clock) as writer:
        made = [await booked(writer, NOON + hour * HOUR) for hour in range(4)]
        await booked(writer, NOON + 5 * HOUR, hold=600)
        clock.seconds += DAY
        await pass_time(writer)
        clock.seconds -= DAY
        await pass_time(writer)
        assert {writer.centre.reservations[each.id].state for each in made} == {State.COMPLETED}
        assert writer.clock_behind() == pytest.approx(DAY, abs=1)
    check(log)


async def test_a_clock_that_stands_still_begins_nothing_and_refuses_nothing() -> None:
    """Bookings are granted at the time that it shows, and begin once it goes on."""
    log, clock = MemoryLog(), ManualClock(NOON - 1)
    async with leading(log, *THINGS, clock=clock) as writer:
        made = [await booked(writer, NOON + hour * HOUR) for hour in range(3)]
        await pass_time(writer)
        assert {writer.centre.reservations[each.id].state for each in made} == {State.CONFIRMED}
        clock.seconds += 1
        await pass_time(writer)
        assert writer.centre.reservations[made[0].id].state is State.ACTIVE
    check(log)


@pytest.mark.parametrize("kept", [True, False], ids=["snapshot", "replay"])
async def test_a_restart_behind_the_logs_last_page_goes_on_from_there(kept: bool) -> None:
    """Though the clock was set back, and nothing was decided in the last epoch but that it began."""
    log, snapshots = MemoryLog(), MemorySnapshots()
    async with leading(log, *THINGS, clock=ManualClock(NOW)) as writer:
        await booked(writer, NOON)
    for seconds in (NOW + HOUR, NOW - DAY):
        async with leading(log, clock=ManualClock(seconds), snapshots=snapshots) as writer:
            if kept:
                await Snapshotter(writer, snapshots).save_now()
    assert writer.now() == (NOW + HOUR) * 1_000_000
    check(log)


steps = st.one_of(
    st.tuples(st.just("set"), st.sampled_from([-DAY, -HOUR, -61, -1, 1, 59, HOUR, 3 * HOUR, DAY])),
    st.tuples(st.just("book"), st.integers(1, 30)),
    st.tuples(st.just("hold"), st.integers(1, 30)),
    st.tuples(st.just("tick"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
)


@given(st.lists(steps, max_size=25))
@examples(60)
def test_whatever_happens_to_the_clock(script: list[tuple[str, int]]) -> None:
    """Set to and fro between bookings, ticks and restarts, it makes no time go back and nothing happen twice."""
    log, clock = MemoryLog(), ManualClock(NOW)
    asyncio.run(play(script, log, clock))
    check(log)


async def play(script: list[tuple[str, int]], log: MemoryLog, clock: ManualClock) -> None:
    """Do what a script says, each stretch between restarts by a writer of its own."""
    things = THINGS
    while True:
        async with leading(log, *things, clock=clock) as writer:
            while script and script[0][0] != "restart":
                (step, number), *script = script
                await take(step, number, writer, clock)
        things = ()
        if not script:
            return
        script = script[1:]


async def take(step: str, number: int, writer: Writer, clock: ManualClock) -> None:
    """One step; what is refused leaves no trace."""
    try:
        match step:
            case "set":
                clock.seconds += number
            case "tick":
                await pass_time(writer)
            case _:
                now = writer.now() // 1_000_000 // HOUR * HOUR
                await booked(writer, now + number * HOUR, hold=300 if step == "hold" else 0)
    except Rejected:
        pass


async def test_whoever_looks_after_the_clock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line when it was set, one when time stands still and one when it goes on; and two figures for an alarm."""
    wall, gone = [float(NOW)], [100.0]
    monkeypatch.setattr(clock_module.time, "time_ns", lambda: int(wall[0] * 1e9))
    monkeypatch.setattr(clock_module, "_gone", lambda: int(gone[0] * 1e9))
    writer = await lead(log=MemoryLog(), snapshots=MemorySnapshots(), centre_id=CENTRE, name="w", clock=WallClock())
    registry = CollectorRegistry()
    Telemetry(registry).follow(writer, Watches(0))
    watch = ClockWatch(writer)
    told: list[tuple[str, float]] = []
    for wall_moves, time_moves in ((10, 10), (-3600, 0), (1, 1), (3700, 3700), (0, 60)):
        wall[0] += wall_moves
        gone[0] += time_moves
        with capture_logs() as lines:
            watch.look()
        told += [(line["event"], line.get("seconds", 0)) for line in lines]
    assert told == [
        ("clock_was_set", -3600.0),
        ("time_stands_still", 3590.0),
        ("time_goes_on", 0),
        ("clock_was_set", -60.0),
    ]
    assert registry.get_sample_value("alloc_clock_set_seconds") == pytest.approx(-3660)
    wall[0] -= 3600
    assert registry.get_sample_value("alloc_clock_behind_seconds") == pytest.approx(3600 - 111, abs=1)


async def test_what_jumps_too_far_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is decided nor begins by it, repeats are answered, and set right it goes on as if nothing had been."""
    wall, gone = [float(NOON - HOUR)], [100.0]
    monkeypatch.setattr(clock_module.time, "time_ns", lambda: int(wall[0] * 1e9))
    monkeypatch.setattr(clock_module, "_gone", lambda: int(gone[0] * 1e9))

    def passes(seconds: float) -> None:
        wall[0] += seconds
        gone[0] += seconds

    log = MemoryLog()
    async with leading(log, *THINGS, clock=WallClock()) as writer:
        before = ask(book("ALPHA", line("cpu"), start=NOON, hours=1), "before")
        made, _ = await writer.submit(before)
        assert isinstance(made, Reservation)
        for minutes in (5, -60, 60, 5):  # What is set ahead by little is followed; so is what is set back and right.
            wall[0] += minutes * 60
            passes(1)
            await booked(writer, NOON + 2 * HOUR)
        wall[0] += DAY
        passes(60)
        for refused in (booked(writer, NOON + 3 * HOUR), writer.submit_each([ask(before.command)])):
            with pytest.raises(TimeUnknown, match=f"{DAY} s"):
                await refused
        assert (await writer.submit(before))[0] == made
        passes(HOUR)
        await pass_time(writer)
        assert writer.centre.reservations[made.id].state is State.CONFIRMED
        wall[0] -= DAY
        await pass_time(writer)
        assert writer.centre.reservations[made.id].state is State.ACTIVE
        assert writer.now() < (NOON + HOUR) * 1_000_000
        await booked(writer, NOON + 3 * HOUR)
    check(log)


def test_the_wall_clock_knows_that_nobody_has_set_it() -> None:
    """It keeps pace with the monotonic one to some milliseconds."""
    wall = WallClock()
    assert time.time() > 0
    assert abs(wall.set_by()) < 1
