"""Bookings in batches and on streams: how many a second become durable, and what memory each live one takes."""

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from loadtests.jobs import Job, Targets
from loadtests.load import load_client
from loadtests.measures import Round
from loadtests.site import Advance, centre, resident_bytes
from loadtests.workload import CROWD

CALLS_AT_ONCE = 16
ROUNDS = 5
CALLS = 100
ITEMS = 100
TARGETS = ("batches", "streams")
WARM_UP_CALLS = 50
ROUND_SECONDS_MAX = 60.0
REST_SAMPLES, REST_PAUSE_SECONDS = 80, 0.1

Say = Callable[[Round], None]


class Batches(Struct, kw_only=True):
    """Every round, and how much the scheduler's process grew over all of them."""

    rounds: list[Round]
    grown_bytes: int

    @property
    def bookings_per_second(self) -> float:
        """The median rate of the rounds, of the way that is faster."""
        return max(self.rates().values())

    def rates(self) -> dict[str, float]:
        """The median rate of each way's rounds."""
        rates: dict[str, list[float]] = {}
        for played in self.rounds:
            rates.setdefault(played.target, []).append(played.granted_per_second)
        return {target: statistics.median(found) for target, found in rates.items()}

    @property
    def bytes_per_reservation(self) -> float:
        """Resident memory for each, with its request id, its hours in the calendar and what Python leaves unused."""
        return self.grown_bytes / sum(sum(played.outcomes.values()) for played in self.rounds)

    def demand_granted(self) -> None:
        """Exit unless everything that was asked was granted."""
        if any(played.granted_share < 1 for played in self.rounds):
            raise SystemExit(f"not all was granted: {[played.outcomes for played in self.rounds]}")


async def book(folder: Path, seed: int, advance: Advance, say: Say) -> Batches:
    """Book 100,000 reservations in a fresh centre, in rounds of one way and the other in turn."""
    async with centre(folder, advance, companies=CROWD) as (nats, scheduler, keys):
        targets = Targets(lanes=keys.lanes(CROWD), scheduler=scheduler.address)
        processes = {"scheduler": scheduler.pid, "nats": nats.process.pid}
        watched = dict.fromkeys(TARGETS, processes)
        async with load_client(targets, watched) as client:
            for target in TARGETS:
                await client.play(_job(target, seed * 1000, WARM_UP_CALLS))
            before = await _at_rest(scheduler.pid)
            found = Batches(rounds=[], grown_bytes=0)
            for number in range(1, ROUNDS + 1):
                for target in TARGETS:
                    found.rounds.append(await client.play(_job(target, seed * 1000 + number, CALLS)))
                    say(found.rounds[-1])
            found.grown_bytes = await _at_rest(scheduler.pid) - before
    return found


async def _at_rest(pid: int) -> int:
    """The least memory that a process is seen to have in use, so that a snapshot under way does not count."""
    samples = []
    for _ in range(REST_SAMPLES):
        await asyncio.sleep(REST_PAUSE_SECONDS)
        samples.append(resident_bytes(pid))
    return min(samples)


def _job(target: str, seed: int, calls: int) -> Job:
    return Job(
        target=target,
        seconds=ROUND_SECONDS_MAX,
        seed=seed,
        now=int(time.time()),
        clients=CALLS_AT_ONCE,
        calls=calls,
        items=ITEMS,
    )
