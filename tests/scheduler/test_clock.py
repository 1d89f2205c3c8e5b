"""The clock: wall time, or simulated time that runs faster, stands still at its end, and goes on after a restart."""

import math
from pathlib import Path

import pytest

from services.runtime.stepped_time import SteppedTime
from services.scheduler import clock
from services.scheduler.clock import MICROSECONDS, ClockChoice, SimulatedClock, SteppedClock, WallClock

START = "2026-03-03T09:00:00+09:00"
SECONDS = 1_772_496_000


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Real seconds gone by, moved by the test."""
    gone = [100.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: gone[0])
    return gone


def test_simulated_time_runs_faster(real: list[float]) -> None:
    """At speed 1000 a real second is a thousand simulated ones."""
    simulated = SimulatedClock(SECONDS, 1000)
    assert simulated.now() == SECONDS * MICROSECONDS
    real[0] += 2
    assert simulated.now() == (SECONDS + 2000) * MICROSECONDS
    assert simulated.wait_for(SECONDS + 3000) == pytest.approx(1.0)
    assert simulated.wait_for(SECONDS) == 0


def test_simulated_time_stands_still_at_its_end(real: list[float]) -> None:
    """Past its end the clock shows the end, and never anything later."""
    simulated = SimulatedClock(SECONDS, 1000, SECONDS + 500)
    real[0] += 10
    assert simulated.now() == (SECONDS + 500) * MICROSECONDS
    assert simulated.wait_for(SECONDS + 500) == 0
    assert simulated.wait_for(SECONDS + 501) == math.inf


def test_simulated_time_goes_on_after_a_restart(real: list[float]) -> None:
    """A clock that begins anew goes on from where the log stands, and is not set back by it."""
    simulated = SimulatedClock(SECONDS, 10)
    simulated.resume(SECONDS + 1000)
    assert simulated.now() == (SECONDS + 1000) * MICROSECONDS
    real[0] += 1
    simulated.resume(SECONDS)
    assert simulated.now() == (SECONDS + 1010) * MICROSECONDS


def test_a_resumed_clock_still_knows_its_end(real: list[float]) -> None:
    """Going on from beyond the end shows no time before it and moves no further."""
    simulated = SimulatedClock(SECONDS, 10, SECONDS + 100)
    simulated.resume(SECONDS + 50)
    real[0] += 100
    assert simulated.now() == (SECONDS + 100) * MICROSECONDS


def test_the_wall_clock_waits_no_negative_time() -> None:
    """What is past needs no waiting."""
    wall = WallClock()
    assert wall.wait_for(0) == 0
    assert wall.wait_for(wall.now() // MICROSECONDS + 100) == pytest.approx(100, abs=1.5)


def test_the_setting_names_start_speed_and_end(real: list[float]) -> None:
    """`START@SPEED/UNTIL` gives that clock, each time anew; nothing gives the wall clock."""
    choice = ClockChoice.parse(f"{START}@20000/2026-03-03T10:00:00+09:00")
    first = choice.clock()
    real[0] += 0.1
    assert first.now() == (SECONDS + 2000) * MICROSECONDS
    assert choice.clock().now() == SECONDS * MICROSECONDS
    real[0] += 5
    assert first.now() == (SECONDS + 3600) * MICROSECONDS
    assert isinstance(ClockChoice.parse("").clock(), WallClock)


@pytest.mark.parametrize(
    "text",
    [
        *("now", START, f"{START}@", f"{START}@fast", f"{START}@0", f"{START}@1..2", f"{START}@2000000"),
        *("2026-03-03T09:00:00@10", f"{START}@10/", f"{START}@10/later", f"{START}@10/2026-04-01T00:00:00"),
        "2026-13-03T09:00:00+09:00@10",
    ],
)
def test_a_setting_that_means_nothing_is_refused(text: str) -> None:
    """A speed that is none and a time without an offset are refused at the start, not later."""
    with pytest.raises(ValueError):
        ClockChoice.parse(text)


def test_a_clock_that_another_process_moves(tmp_path: Path) -> None:
    """It shows what stands in the file, asks again soon, and tells there how far it has been lived."""
    hand = SteppedTime.create(tmp_path / "clock", SECONDS * MICROSECONDS)
    stepped = ClockChoice.parse(f"file:{tmp_path / 'clock'}").clock()
    assert isinstance(stepped, SteppedClock)
    assert stepped.now() == SECONDS * MICROSECONDS
    assert 0 < stepped.wait_for(SECONDS + 1) < 1
    hand.show((SECONDS + 60) * MICROSECONDS)
    assert stepped.wait_for(SECONDS + 60) == 0
    stepped.lived(stepped.now())
    assert hand.lived == (SECONDS + 60) * MICROSECONDS


def test_a_clock_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """At the start, not at the first decision."""
    with pytest.raises(OSError):
        ClockChoice.parse(f"file:{tmp_path / 'clock'}")
