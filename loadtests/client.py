"""The client process: offers load to one target at a time, and says what came of it.

A closed loop keeps so many requests on the way, each client asking anew when it is answered. An open loop asks at
moments that chance fixed beforehand (Poisson), whatever comes back, and counts latency from the intended moment, so
that a server that stalls cannot hide it.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator

import msgspec
import uvloop

from loadtests.batch_client import BatchTarget, batch_round, outcomes_of
from loadtests.jobs import Job, Targets
from loadtests.measures import Round, percentiles_ms
from loadtests.stream_client import StreamTarget, stream_round
from loadtests.targets import GrpcTarget, Target
from loadtests.workload import demands

WARM_UP_SECONDS = 0.5
IN_FLIGHT_MAX = 4_000
"""An open loop that has so many on the way has lost; what it would have asked then counts as skipped."""


class Tally:
    """What the answers within the measured time were, and how long they took."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.lags: list[float] = []

    def add(self, outcome: str, seconds: float) -> None:
        """Count one answer."""
        self.outcomes[outcome] += 1
        self.latencies.append(seconds)

    def round(self, job: Job) -> Round:
        """All of it as a value."""
        return Round(
            target=job.target,
            seconds=job.seconds,
            outcomes=dict(self.outcomes),
            latency_ms=percentiles_ms(self.latencies),
            offered_per_second=job.rate,
            lag_ms=percentiles_ms(self.lags),
        )


async def closed_loop(target: Target, job: Job) -> Round:
    """Keep `clients` requests on the way for as long as the job says."""
    tally = Tally()
    begin = time.perf_counter() + WARM_UP_SECONDS
    end = begin + job.seconds

    async def ask_again_and_again(number: int) -> None:
        lane = number % target.lanes
        wishes = demands(job.seed * job.clients + number, job.now, target.company(lane))
        asked = time.perf_counter()
        while asked < end:
            outcome = await target.book(lane, next(wishes))
            answered = time.perf_counter()
            if begin <= answered < end:
                tally.add(outcome, answered - asked)
            asked = answered

    async with asyncio.TaskGroup() as group:
        for number in range(job.clients):
            group.create_task(ask_again_and_again(number))
    return tally.round(job)


async def open_loop(target: Target, job: Job) -> Round:
    """Ask at fixed moments, `rate` a second on average."""
    wishes = [demands(job.seed * target.lanes + lane, job.now, target.company(lane)) for lane in range(target.lanes)]

    async def ask(number: int) -> Iterable[str]:
        lane = number % target.lanes
        return (await target.book(lane, next(wishes[lane])),)

    return await _at_moments(job, ask)


async def open_batches(target: BatchTarget, job: Job) -> Round:
    """Send batches at fixed moments, so that on average `rate` items a second are asked for."""
    batches = target.batches(job)

    async def ask(number: int) -> Iterable[str]:
        return outcomes_of(await target.book(batches[number]))

    return await _at_moments(job, ask)


async def _at_moments(job: Job, ask: Callable[[int], Awaitable[Iterable[str]]]) -> Round:
    """Ask for the first, the second and so on, whatever comes back."""
    tally = Tally()
    on_the_way: set[asyncio.Task[None]] = set()

    async def ask_one(number: int, intended: float) -> None:
        for outcome in await ask(number):
            tally.add(outcome, time.perf_counter() - intended)

    for number, intended in enumerate(moments(job)):
        now = time.perf_counter()
        if intended > now:
            await asyncio.sleep(intended - now)
        if len(on_the_way) >= IN_FLIGHT_MAX:
            tally.outcomes["skipped"] += job.items
            continue
        tally.lags.append(max(0.0, time.perf_counter() - intended))
        task = asyncio.create_task(ask_one(number, intended))
        on_the_way.add(task)
        task.add_done_callback(on_the_way.discard)
    await asyncio.gather(*on_the_way)
    return tally.round(job)


def moments(job: Job) -> Iterator[float]:
    """When an open loop asks: a Poisson process, on the clock of `time.perf_counter`."""
    chance = random.Random(job.seed)
    moment = time.perf_counter()
    end = moment + job.seconds
    asked = 0
    while (moment := moment + chance.expovariate(job.rate / job.items)) < end and (not job.calls or asked < job.calls):
        asked += 1
        yield moment


async def serve() -> None:
    """Do jobs from standard input until it ends; a line on standard output for each."""
    loop = asyncio.get_running_loop()
    targets = msgspec.json.decode(sys.stdin.buffer.readline(), type=Targets)
    opened: dict[str, Target | BatchTarget] = {}
    try:
        while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
            job = msgspec.json.decode(line, type=Job)
            if job.target not in opened:
                opened[job.target] = open_target(job.target, targets)
            sys.stdout.buffer.write(msgspec.json.encode(await play(opened[job.target], job)) + b"\n")
            sys.stdout.buffer.flush()
    finally:
        for target in opened.values():
            await target.close()


async def play(target: Target | BatchTarget, job: Job) -> Round:
    """Do one job in its own way."""
    if isinstance(target, StreamTarget):
        return await stream_round(target, job)
    if isinstance(target, BatchTarget):
        return await (open_batches if job.rate else batch_round)(target, job)
    return await (open_loop if job.rate else closed_loop)(target, job)


def open_target(name: str, targets: Targets) -> Target | BatchTarget:
    """Connect to a target by its name."""
    if name == "streams":
        return StreamTarget(targets.scheduler, targets.lanes)
    if name == "batches":
        return BatchTarget(targets.scheduler, targets.lanes)
    addresses = {"echo": targets.echo, "postgres": targets.postgres, "scheduler": targets.scheduler}
    return GrpcTarget(addresses[name], targets.lanes)


if __name__ == "__main__":
    uvloop.run(serve())
