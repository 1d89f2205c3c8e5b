"""The contest: the scheduler, a bare echo and the Postgres rival, in alternating rounds of the same load."""

import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from loadtests import rival, workload
from loadtests.jobs import Targets
from loadtests.load import LoadClient, baseline_server, job, load_client
from loadtests.measures import Round
from loadtests.site import SCHEDULER, Advance, Keys, Scheduler, centre
from loadtests.targets import GrpcTarget
from services.runtime.embedded import Postgres

CLIENTS = 64
ROUNDS = 5
CLOSED_SECONDS = 5.0
OPEN_SECONDS = 4.0
LOAD_SHARE = 0.5
GRANTED_SHARE_MIN = 0.98
CONTESTANTS = ("echo", "scheduler", "postgres")
SAMPLES = 40

Say = Callable[[Round], None]


class Contest(Struct, kw_only=True):
    """Every round that was played, in order."""

    closed: list[dict[str, Round]]
    open: list[dict[str, Round]]

    def ratio(self, of: str, to: str) -> float:
        """The median over the rounds of one target's rate to another's."""
        return statistics.median(each[of].granted_per_second / each[to].granted_per_second for each in self.closed)

    def p99_ratio(self, of: str, to: str) -> float:
        """The median over the open rounds of one target's p99 to another's."""
        return statistics.median(each[of].latency_ms["p99"] / each[to].latency_ms["p99"] for each in self.open)

    def rate(self, target: str) -> float:
        """The median rate of a target's closed rounds."""
        return statistics.median(each[target].granted_per_second for each in self.closed)

    def demand_granted(self) -> None:
        """Exit unless nearly everything that was asked was granted: a rate of refusals means nothing."""
        share = min(played.granted_share for each in (*self.closed, *self.open) for played in each.values())
        if share < GRANTED_SHARE_MIN:
            raise SystemExit(f"only {share:.1%} of a round was granted, less than {GRANTED_SHARE_MIN:.0%}")


@asynccontextmanager
async def ring(
    folder: Path, advance: Advance, *, postgres: bool, program: tuple[str, ...] = SCHEDULER
) -> AsyncIterator[LoadClient]:
    """All contestants running, and the client that knows them."""
    async with AsyncExitStack() as stack:
        nats, scheduler, keys = await stack.enter_async_context(centre(folder, advance, program))
        size = await answer_bytes(scheduler, keys)
        echo, echo_pid = await stack.enter_async_context(baseline_server("loadtests.echo", size))
        watched = {"scheduler": {"scheduler": scheduler.pid, "nats": nats.process.pid}, "echo": {"echo": echo_pid}}
        booked = ""
        if postgres:
            server = await stack.enter_async_context(Postgres(folder / "postgres"))
            await rival.prepare(server.dsn)
            rival_server = baseline_server("loadtests.rival_server", size, server.dsn)
            booked, rival_pid = await stack.enter_async_context(rival_server)
            watched["postgres"] = {"rival": rival_pid}
        targets = Targets(lanes=keys.lanes(), scheduler=scheduler.address, echo=echo, postgres=booked)
        yield await stack.enter_async_context(load_client(targets, watched))


async def compete(client: LoadClient, seed: int, say: Say) -> Contest:
    """Closed rounds of every target in turn, then open rounds at half of what each reached."""
    contest = Contest(closed=[], open=[])
    for number in range(ROUNDS):
        contest.closed.append({})
        for target in CONTESTANTS:
            played = await client.play(job(target, seconds=CLOSED_SECONDS, seed=seed * 1000 + number, clients=CLIENTS))
            contest.closed[-1][target] = played
            say(played)
    for number in range(ROUNDS, 2 * ROUNDS):
        contest.open.append({})
        for target in ("echo", "scheduler"):
            rate = contest.rate(target) * LOAD_SHARE
            played = await client.play(
                job(target, seconds=OPEN_SECONDS, seed=seed * 1000 + number, clients=CLIENTS, rate=rate)
            )
            contest.open[-1][target] = played
            say(played)
    return contest


async def answer_bytes(scheduler: Scheduler, keys: Keys) -> int:
    """How long the scheduler's answers are on average."""
    lane = keys.lanes()[0]
    wishes = workload.demands(0, int(time.time()), lane.company)
    target = GrpcTarget(scheduler.address, (lane,))
    try:
        sizes = [len(await target.ask(0, next(wishes))) for _ in range(SAMPLES)]
    finally:
        await target.close()
    return round(statistics.mean(sizes))
