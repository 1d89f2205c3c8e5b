"""A lively fortnight for pictures and tests in a browser: many companies book, some give back, time goes by."""

import asyncio
import random
import uuid
from collections.abc import Mapping
from typing import Any
from zlib import crc32

import grpc.aio

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import SchedulerStub

HOUR = 3600
NOTES = ("fine-tuning", "baseline", "field data, round 2", "demo for the city", "재학습", "검증 실험", "")
AT_ONCE = 8
CHECK_IN_AHEAD = 840
ABSENT_PERCENT = 4
LIVE = (api.Reservation.STATE_CONFIRMED, api.Reservation.STATE_ACTIVE)

Wish = tuple[str, tuple[int, ...], tuple[int, ...]]
COMPUTE: tuple[Wish, ...] = (
    ("h100-train", (8, 16, 32, 64), (24, 48, 72)),
    ("h100-shared", (1000, 2000, 4000, 500), (4, 8, 24, 48)),
    ("a100-dev", (1000, 2000, 4000, 8000), (4, 12, 24)),
    ("npu-verify", (1, 4, 8), (4, 8, 24)),
    ("cpu-batch", (16, 64, 128), (4, 8, 24)),
)


class Life:
    """Books as an operator does for companies, at offered times, from a seed."""

    def __init__(self, channel: grpc.aio.Channel, tokens: Mapping[str, str], seed: int) -> None:
        self._stub: Any = SchedulerStub(channel)  # type: ignore[no-untyped-call]  # generated without annotations
        self._metadata = (("authorization", f"Bearer {tokens['operator']}"),)
        self._companies = [name for name in tokens if name.startswith("CMP-")]
        self._random = random.Random(seed)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def ask(self, method: str, request: Any) -> Any:
        """One call; None if it is refused, which is a part of life."""
        try:
            return await getattr(self._stub, method)(request, metadata=self._metadata, timeout=20.0)
        except grpc.aio.AioRpcError:
            return None

    async def live(self, bookings: int, days: int) -> list[api.Reservation]:
        """Try so many bookings over the days ahead, and give a tenth of them back."""
        listed = await self.ask("ListResources", api.ListResourcesRequest(page_size=500))
        equipment = [each for each in listed.resources if each.kind == api.RESOURCE_KIND_EQUIPMENT]
        now = listed.time.seconds
        wishes = [self._wish(equipment, now, days) for _ in range(bookings)]
        made = [each for each in await asyncio.gather(*(self._book(*wish) for wish in wishes)) if each]
        for item in self._random.sample(made, len(made) // 10):
            cancel = api.CancelReservationRequest(name=item.name, request_id=str(uuid.uuid4()), reason="plans changed")
            await self.ask("CancelReservation", cancel)
        return made

    async def attend(self) -> int:
        """Check in wherever somebody must by now, but for a few who do not come; gives the centre's time in seconds."""
        listed = await self.ask("ListResources", api.ListResourcesRequest(page_size=1))
        now: int = listed.time.seconds
        request = api.ListReservationsRequest(parent="companies/-", page_size=1000, states=LIVE)
        request.start_time.seconds, request.end_time.seconds = now, now + CHECK_IN_AHEAD
        found = await self.ask("ListReservations", request)
        waiting = [each for each in found.reservations if each.HasField("check_in_deadline")]
        await asyncio.gather(*(self._come(each) for each in waiting if not each.HasField("check_in_time")))
        return now

    async def _come(self, item: api.Reservation) -> None:
        # The same few miss every time they are asked.
        if crc32(item.name.encode()) % 100 >= ABSENT_PERCENT:
            await self.ask("CheckIn", api.CheckInRequest(name=item.name, request_id=str(uuid.uuid4())))

    def _wish(self, equipment: list[api.Resource], now: int, days: int) -> tuple[str, api.Line, int, int, str]:
        company, note = self._random.choice(self._companies), self._random.choice(NOTES)
        earliest = now + self._random.randrange(days * 24) * HOUR
        if self._random.random() < 0.35:
            resource = self._random.choice(equipment)
            slots = self._random.randint(1, 3)
            line = api.Line(resource=resource.name, units=1)
            return company, line, slots * resource.slot.seconds, earliest, note
        pool, amounts, hours = self._random.choice(COMPUTE)
        line = api.Line(resource=f"resources/{pool}", units=self._random.choice(amounts))
        return company, line, self._random.choice(hours) * HOUR, earliest, note

    async def _book(self, company: str, line: api.Line, seconds: int, earliest: int, note: str) -> Any:
        search = api.SearchOffersRequest(parent=f"companies/{company}", lines=[line], page_size=1)
        search.duration.seconds, search.earliest_start_time.seconds = seconds, earliest
        async with self._room:
            found = await self.ask("SearchOffers", search)
            if not found or not found.offers:
                return None
            offer = found.offers[0]
            wish = api.Reservation(lines=[line], start_time=offer.start_time, end_time=offer.end_time, note=note)
            request = api.CreateReservationRequest(parent=search.parent, reservation=wish, request_id=str(uuid.uuid4()))
            return await self.ask("CreateReservation", request)
