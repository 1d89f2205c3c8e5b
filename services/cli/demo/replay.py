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

MARGIN = timedelta(hours=3)
"""The clock runs on while a request travels, so a job asks for a start a little ahead."""


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

    def refuse(self, pool: str, refused: Refused) -> None:
        """Count a refusal, under every reason that it gives."""
        self.refused[pool] += 1
        for violation in refused.violations:
            self.reasons[violation.reason] += 1
            self.examples.setdefault(violation.reason, violation.description)


class Replay:
    """Submits demands at their times. `tokens` are by company id."""

    def __init__(self, client: AsyncClient, tokens: Mapping[str, str], reckoning: Reckoning) -> None:
        self._client = client
        self._tokens = tokens
        self._reckoning = reckoning
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
        try:
            await self._book(demand, next_hour(self._reckoning.now() + demand.notice + MARGIN))
            self.tally.granted[pool] += 1
        except Refused as refused:
            await self._settle_for_less(demand, pool, refused)
        advance()

    async def _settle_for_less(self, demand: Demand, pool: str, refused: Refused) -> None:
        """Take the first alternative that is still to be had."""
        for offer in refused.alternatives:
            try:
                await self._book(demand, from_timestamp(offer.start_time))
            except Refused:
                continue
            self.tally.granted_later[pool] += 1
            return
        self.tally.refuse(pool, refused)

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
            self.tally.latencies.append(time.monotonic() - sent)
        self._reckoning.told(from_timestamp(granted.create_time))
