"""The replay: every job asks for its GPUs when its time has come, through gRPC, and takes an alternative if need be."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.cli.async_client import AsyncClient
from services.cli.demo.clock import Reckoning
from services.cli.demo.demands import Demand
from services.cli.outcome import Refused
from services.cli.times import from_timestamp, next_hour, to_duration, to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

IN_FLIGHT_MAX = 32
ATTEMPTS_MAX = 3
MARGIN_MIN = timedelta(hours=3)
LATENCIES_AHEAD = 2.0
LATENCY_MEMORY = 0.98
"""The clock runs on while a request travels, so a job asks for a start ahead, by as much as requests take of late."""
TOO_LATE = frozenset({"START_IN_PAST", "NOTICE_TOO_SHORT"})


@dataclass
class Tally:
    """What became of the jobs, by pool, and why some were refused."""

    asked: Counter[str] = field(default_factory=Counter)
    granted: Counter[str] = field(default_factory=Counter)
    granted_later: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def explain(self, refused: Refused) -> None:
        """Count a refusal under every reason that it gives."""
        for violation in refused.violations:
            self.reasons[violation.reason] += 1
            self.examples.setdefault(violation.reason, violation.description)


class Replay:
    """Submits demands at their times. `tokens` are by company id."""

    def __init__(self, client: AsyncClient, tokens: Mapping[str, str], reckoning: Reckoning) -> None:
        self._client = client
        self._tokens = tokens
        self._reckoning = reckoning
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._latency = 0.0
        self.tally = Tally()

    async def run(self, demands: Sequence[Demand], offsets: Sequence[float], advance: Callable[[], object]) -> None:
        """Submit every demand so many seconds from now; `advance` is called after each answer."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for demand, offset in zip(demands, offsets, strict=True):
                await asyncio.sleep(begun + offset - time.monotonic())
                group.create_task(self._submit(demand, advance))

    async def _submit(self, demand: Demand, advance: Callable[[], object]) -> None:
        pool = demand.line.resource.removeprefix("resources/")
        self.tally.asked[pool] += 1
        async with self._room:
            counter = await self._ask(demand, pool)
        counter[pool] += 1
        advance()

    async def _ask(self, demand: Demand, pool: str) -> Counter[str]:
        """Ask, and settle for an alternative if need be; where the outcome counts."""
        start, counter = self._earliest(demand), self.tally.granted
        for _ in range(ATTEMPTS_MAX):
            try:
                await self._book(demand, start)
                return counter
            except Refused as refused:
                last = refused
            earliest = self._earliest(demand)
            offered = [from_timestamp(offer.start_time) for offer in last.alternatives]
            later = [offer for offer in offered if offer >= earliest]
            if later:
                start, counter = later[0], self.tally.granted_later
            elif all(violation.reason in TOO_LATE for violation in last.violations):
                start = earliest
            else:
                break
        self.tally.explain(last)
        return self.tally.refused

    def _earliest(self, demand: Demand) -> datetime:
        """The first start that is still ahead when a request sent now arrives."""
        travel = self._reckoning.span(self._latency * LATENCIES_AHEAD)
        return next_hour(self._reckoning.now() + demand.notice + MARGIN_MIN + travel)

    async def _book(self, demand: Demand, start: datetime) -> None:
        request = api.CreateReservationRequest(
            parent=f"companies/{demand.company}",
            reservation=api.Reservation(
                lines=[demand.line], start_time=to_timestamp(start), duration=to_duration(demand.duration)
            ),
            request_id=str(uuid.uuid4()),
        )
        sent = time.monotonic()
        try:
            granted = await self._client.call(
                self._client.scheduler.CreateReservation, request, token=self._tokens[demand.company]
            )
        finally:
            latency = time.monotonic() - sent
            self.tally.latencies.append(latency)
            self._latency = max(latency, self._latency * LATENCY_MEMORY)
        self._reckoning.told(from_timestamp(granted.create_time))
