"""The performance with jobs: the replay, the story, and the questions at the end."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.cli.async_client import AsyncClient
from services.cli.demo.agreement import Views, gather_views
from services.cli.demo.clock import Reckoning, Simulation
from services.cli.demo.demands import CORES_POOL, Tenants
from services.cli.demo.replay import Replay, Tally
from services.cli.demo.stage import Stage
from services.cli.demo.story import FIRST, SECOND, Story, Told
from services.cli.demo.trace import Job, compress
from services.cli.tables import err
from services.cli.times import from_timestamp, to_duration, to_timestamp
from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

REPLAY_SECONDS = 14.0
GAP_SECONDS_MAX = 600.0
RECKONING_ERROR_MAX = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that the demonstration has to tell."""

    tally: Tally
    told: Told
    statement: ledger_api.Statement
    views: Views


class Play:
    """One run of the demonstration. `outcome` is there once `run` has returned."""

    def __init__(self, stage: Stage, jobs: list[Job], simulation: Simulation) -> None:
        self._stage = stage
        self._jobs = jobs
        self._simulation = simulation
        self.outcome: Outcome | None = None

    async def run(self) -> None:
        """Play it on the stage. Raises `Failed`."""
        await self._stage.run(self._show)

    async def _show(self, client: AsyncClient) -> None:
        reckoning = Reckoning(self._simulation, await self._first_reading(client))
        tally = await self._replay(client, reckoning)
        with err.status("Waiting for the simulated clock to stand still …"):
            left = self._simulation.end - reckoning.now() + RECKONING_ERROR_MAX
            await asyncio.sleep(self._simulation.real_seconds(left))
        told = await Story(client, self._stage.tokens).play()
        metrics = self._stage.centre.metrics.http
        views = await gather_views(client, metrics, self._stage.catalogue, self._simulation.end)
        statement = await self._statement(client, views.position)
        self.outcome = Outcome(tally=tally, told=told, views=views, statement=statement)

    async def _first_reading(self, client: AsyncClient) -> datetime:
        """About what the scheduler's clock shows: a core is offered from the next hour on to who needs no notice."""
        request = api.SearchOffersRequest(
            parent=f"companies/{SECOND}",
            lines=[api.Line(resource=f"resources/{CORES_POOL}", units=1)],
            duration=to_duration(timedelta(hours=1)),
            page_size=1,
        )
        found = await client.call(client.scheduler.SearchOffers, request)
        return from_timestamp(found.offers[0].start_time)

    async def _replay(self, client: AsyncClient, reckoning: Reckoning) -> Tally:
        tenants = Tenants(self._stage.catalogue, self._simulation.start)
        demands = [tenants.demand(job) for job in self._jobs]
        offsets = compress(self._jobs, REPLAY_SECONDS, GAP_SECONDS_MAX)
        replay = Replay(client, self._stage.tokens, reckoning)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err) as progress:
            task = progress.add_task("Replaying the jobs       ", total=len(demands))
            await replay.run(demands, offsets, lambda: progress.advance(task))
        return replay.tally

    async def _statement(self, client: AsyncClient, position: int) -> ledger_api.Statement:
        request = ledger_api.GetStatementRequest(
            name=f"companies/{FIRST}",
            start_time=to_timestamp(self._simulation.start),
            end_time=to_timestamp(self._simulation.end + timedelta(seconds=1)),
            min_position=position,
        )
        statement: ledger_api.Statement = await client.call(client.ledger.GetStatement, request)
        return statement
