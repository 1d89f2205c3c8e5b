"""Figures are what they say they are."""

import asyncio
import itertools
import time

from loadtests.budgets import Budget
from loadtests.client import closed_loop, open_loop
from loadtests.contest import Contest
from loadtests.jobs import Job
from loadtests.measures import GRANTED, Round, percentiles_ms
from loadtests.workload import COMPANIES, HOUR_SECONDS, Demand, demands

FREEZE_SECONDS = 0.3


class FrozenOnce:
    """A target that answers at once, but stands still in the middle: the whole process does, as a server would."""

    lanes = 2

    def __init__(self) -> None:
        self._asked = itertools.count()

    def company(self, lane: int) -> str:
        return COMPANIES[lane]

    async def book(self, lane: int, demand: Demand) -> str:
        if next(self._asked) == 100:
            time.sleep(FREEZE_SECONDS)  # noqa: ASYNC251 (it is the loop that must stand still)
        await asyncio.sleep(0)
        return GRANTED

    async def close(self) -> None:
        return


def job(**changes: float) -> Job:
    return Job(target="frozen", seconds=1.0, seed=1, now=0, clients=4, rate=changes.get("rate", 0.0))


def played(target: str, granted: int, p99: float = 1.0) -> Round:
    return Round(target=target, seconds=2.0, outcomes={GRANTED: granted}, latency_ms={"p99": p99})


async def test_an_open_loop_does_not_hide_a_stall():
    """Latency counts from the moment at which a request was meant to leave, so that a freeze shows in full."""
    found = await open_loop(FrozenOnce(), job(rate=500.0))
    assert found.latency_ms["p99"] > FREEZE_SECONDS * 1000 * 0.7
    assert found.latency_ms["p50"] < found.latency_ms["p99"]


async def test_a_closed_loop_counts_what_was_answered_in_time():
    """The rate is the number of answers within the measured seconds."""
    found = await closed_loop(FrozenOnce(), job())
    assert found.granted_per_second == found.outcomes[GRANTED] / found.seconds > 0
    assert found.granted_share == 1.0


def test_percentiles_are_values_that_occurred():
    """A percentile is one of the durations, in milliseconds."""
    found = percentiles_ms([number / 1000 for number in range(1, 101)])
    assert found == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "p999": 100.0, "max": 100.0}


def test_a_ratio_is_the_median_of_the_rounds():
    """One disturbed round does not decide a ratio."""
    rounds = [(100, 200), (1, 200), (120, 200)]
    contest = Contest(
        closed=[{"scheduler": played("scheduler", a), "echo": played("echo", b)} for a, b in rounds], open=[]
    )
    assert contest.ratio("scheduler", "echo") == 0.5


def test_a_budget_knows_its_direction():
    """A floor is kept from above, a ceiling from below."""
    floor = Budget(key="rate", what="", limit=2, at_least=True)
    ceiling = Budget(key="time", what="", limit=2, at_least=False)
    assert (floor.met(2), floor.met(1.9), ceiling.met(2), ceiling.met(2.1)) == (True, False, True, False)


def test_demands_are_repeatable_and_on_the_grid():
    """The same seed asks the same, for full hours in the future."""
    first, again = (list(itertools.islice(demands(7, 5000, COMPANIES[0]), 50)) for _ in range(2))
    assert first == again
    assert all(each.start % HOUR_SECONDS == 0 == each.end % HOUR_SECONDS and each.start > 5000 for each in first)
