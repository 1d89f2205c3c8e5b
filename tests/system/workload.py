"""A bounded crowd of companies that book, change, cancel and release, and remember what they asked and were told.

Each request is repeated under its id until the answer is definite, as the API tells clients to. Chance is seeded.
"""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]  # ships no stubs
from grpc_status import rpc_status  # type: ignore[import-untyped]  # ships no stubs

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.harness import POLL_SECONDS, SECONDS_MAX, Clients
from tests.system.small_catalogue import COMPANIES, DAY, HOUR, MONDAY

BOOKERS_PER_COMPANY = 2
PAUSE_SECONDS = 0.04
"""Between two requests of a booker: some 200 requests a second in all."""
ATTEMPT_SECONDS = 2.0
AHEAD_HOURS_MAX = 200
KEPT_MAX = 20
WEEK = 7 * DAY
HOLD_SECONDS = 900
"""Half a second, in a centre where half an hour passes in a second."""

UNKNOWN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})
"""Errors without a refusal after which nobody knows whether it happened."""


class Outcome(StrEnum):
    """What a request ended in."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


@dataclass
class Asked:
    """One request of a company, and all the answers to it."""

    company: str
    method: str
    request: Any
    outcome: Outcome = Outcome.OPEN
    attempts: int = 0
    answers: list[api.Reservation] = field(default_factory=list)
    by_operator: bool = False
    reasons: list[str] = field(default_factory=list)

    @property
    def actor(self) -> str:
        """Who asked, as the log says it."""
        return "operators/operator" if self.by_operator else f"companies/{self.company}"

    @property
    def holder(self) -> str:
        """Whose token it is asked with."""
        return "operator" if self.by_operator else self.company

    @property
    def request_id(self) -> str:
        """The id under which it was asked, every time."""
        return str(self.request.request_id)


class Crowd:
    """Everything that all companies asked, in order."""

    def __init__(self, clients: Clients, seed: int) -> None:
        self.asked: list[Asked] = []
        self.clients = clients
        self.stopping = False
        self._seed = seed

    def count(self, outcome: Outcome) -> int:
        """How many requests ended so."""
        return sum(1 for each in self.asked if each.outcome is outcome)

    def bookers(self) -> list["Booker"]:
        """The companies' people."""
        return [
            Booker(self, company, random.Random(f"{self._seed} {company} {number}"))
            for company in COMPANIES
            for number in range(BOOKERS_PER_COMPANY)
        ]

    async def settle(self, asked: Asked) -> None:
        """Ask until the answer is definite, and for `SECONDS_MAX` at most. Raises what no client can act on."""
        give_up = time.monotonic() + SECONDS_MAX
        self.asked.append(asked)
        while asked.outcome is Outcome.OPEN and time.monotonic() < give_up:
            await self.attempt(asked)
            if asked.outcome is Outcome.OPEN:
                await asyncio.sleep(POLL_SECONDS)

    async def attempt(self, asked: Asked) -> None:
        """Ask once, and note what was said."""
        asked.attempts += 1
        method = getattr(self.clients.scheduler, asked.method)
        try:
            answer = await self.clients.call(method, asked.request, asked.holder, ATTEMPT_SECONDS)
        except grpc.aio.AioRpcError as error:
            reasons = refusal_reasons(error)
            if reasons:
                asked.outcome, asked.reasons = Outcome.REFUSED, reasons
            elif error.code() not in UNKNOWN:
                raise
            return
        asked.outcome = Outcome.GRANTED
        asked.answers.append(answer.part if isinstance(answer, api.SplitReservationResponse) else answer)


class Booker:
    """One person of a company."""

    def __init__(self, crowd: Crowd, company: str, chance: random.Random) -> None:
        self._crowd = crowd
        self._company = company
        self._chance = chance
        self._kept: list[api.Reservation] = []
        self._granted: list[Asked] = []

    async def run(self) -> None:
        """Ask for one thing after the other, until the crowd is told to stop."""
        while not self._crowd.stopping:
            await self._act()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _act(self) -> None:
        draw = self._chance.random()
        if draw < 0.1 and self._kept:
            await self._change(self._kept.pop(self._chance.randrange(len(self._kept))))
        elif draw < 0.15 and self._kept:
            await self._split(self._kept.pop(self._chance.randrange(len(self._kept))))
        elif draw < 0.3 and self._kept:
            await self._give_back(self._kept.pop(self._chance.randrange(len(self._kept))))
        elif draw < 0.4 and self._granted:
            await self._ask_again(self._granted.pop())
        else:
            await self._book()

    async def _book(self) -> None:
        now = self._crowd.clients.centre.time.now()
        start = (now // HOUR + self._chance.randint(1, AHEAD_HOURS_MAX)) * HOUR
        if self._chance.random() < 0.3:
            start = (now // HOUR + self._chance.randint(1, 4)) * HOUR
        request = api.CreateReservationRequest(
            parent=f"companies/{self._company}",
            reservation=api.Reservation(
                lines=demand(self._chance),
                start_time=Timestamp(seconds=start),
                end_time=Timestamp(seconds=start + self._chance.randint(1, 8) * HOUR),
            ),
            request_id=self._new_id(),
            hold=Duration(seconds=HOLD_SECONDS) if self._chance.random() < 0.2 else None,
        )
        asked = Asked(self._company, "CreateReservation", request)
        await self._crowd.settle(asked)
        if asked.outcome is Outcome.GRANTED:
            await self._confirm(asked.answers[0])
            await self._decide(asked.answers[0])
            self._kept = [*self._kept, asked.answers[0]][-KEPT_MAX:]
            self._granted = [*self._granted, asked][-KEPT_MAX:]

    async def _confirm(self, reservation: api.Reservation) -> None:
        """Take an offer that is held, mostly; what is left expires."""
        if reservation.state == api.Reservation.STATE_HELD and self._chance.random() < 0.8:
            request = api.ConfirmReservationRequest(name=reservation.name, request_id=self._new_id())
            await self._crowd.settle(Asked(self._company, "ConfirmReservation", request))

    async def _decide(self, reservation: api.Reservation) -> None:
        """Have the manager decide on what is pending, mostly; what is left is denied by time."""
        draw = self._chance.random()
        fields = {"name": reservation.name, "request_id": self._new_id(), "comment": "seen"}
        if reservation.state != api.Reservation.STATE_PENDING or draw < 0.2:
            return
        request: Any = api.ApproveReservationRequest(**fields, reference="IRB-1")
        method = "ApproveReservation"
        if draw < 0.4:
            request, method = api.DenyReservationRequest(**fields), "DenyReservation"
        await self._crowd.settle(Asked(self._company, method, request, by_operator=True))

    async def _give_back(self, reservation: api.Reservation) -> None:
        begun = reservation.start_time.seconds <= self._crowd.clients.centre.time.now()
        method, form = (
            ("ReleaseReservation", api.ReleaseReservationRequest)
            if begun
            else ("CancelReservation", api.CancelReservationRequest)
        )
        request = form(name=reservation.name, request_id=self._new_id(), reason="plans changed")
        await self._crowd.settle(Asked(self._company, method, request))

    async def _change(self, reservation: api.Reservation) -> None:
        """An hour longer or shorter, an hour later, or in the next month: lawful or not."""
        request = api.UpdateReservationRequest(request_id=self._new_id())
        wish = request.reservation
        wish.name = reservation.name
        wish.end_time.seconds = reservation.end_time.seconds + self._chance.choice([-1, 1, 2]) * HOUR
        if self._chance.random() < 0.3:
            wish.start_time.seconds = reservation.start_time.seconds + HOUR
        elif self._chance.random() < 0.3:
            wish.start_time.seconds = reservation.start_time.seconds + 4 * WEEK
            wish.end_time.seconds += 4 * WEEK
        asked = Asked(self._company, "UpdateReservation", request)
        await self._crowd.settle(asked)
        self._kept.append(asked.answers[0] if asked.outcome is Outcome.GRANTED else reservation)

    async def _split(self, reservation: api.Reservation) -> None:
        """At its next hour, or one unit of its first line: lawful or not."""
        request = api.SplitReservationRequest(name=reservation.name, request_id=self._new_id())
        if self._chance.random() < 0.7:
            request.at_time.seconds = reservation.start_time.seconds + HOUR
        else:
            request.lines.add(resource=reservation.lines[0].resource, units=1)
        asked = Asked(self._company, "SplitReservation", request)
        await self._crowd.settle(asked)
        self._kept.append(asked.answers[0] if asked.outcome is Outcome.GRANTED else reservation)

    async def _ask_again(self, asked: Asked) -> None:
        """Repeat a request that was granted, as after a lost answer; it must not matter."""
        answers = len(asked.answers)
        give_up = time.monotonic() + SECONDS_MAX
        while len(asked.answers) == answers and asked.outcome is Outcome.GRANTED and time.monotonic() < give_up:
            await self._crowd.attempt(asked)

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def booking(company: str, resource: str, units: int, day: int) -> api.CreateReservationRequest:
    """The first two hours of a day, counted from the centre's first Monday."""
    start = MONDAY + day * DAY
    return api.CreateReservationRequest(
        parent=f"companies/{company}",
        reservation=api.Reservation(
            lines=[api.Line(resource=f"resources/{resource}", units=units)],
            start_time=Timestamp(seconds=start),
            end_time=Timestamp(seconds=start + 2 * HOUR),
        ),
        request_id=str(uuid.uuid4()),
    )


def demand(chance: random.Random) -> list[api.Line]:
    """Lines of all sorts, some of several resources together."""
    gang = api.Shape(units_per_node=4, colocation=api.COLOCATION_RACK)
    choices = (
        [api.Line(resource="resources/gpu", units=chance.randint(1, 8))],
        [api.Line(resource="resources/gpu", units=8, shape=gang)],
        [api.Line(resource="resources/milli", units=125 * chance.randint(1, 12))],
        [api.Line(resource="resources/core", units=chance.randint(1, 48))],
        [
            api.Line(resource="resources/core", units=chance.randint(1, 16)),
            api.Line(resource="resources/gpu", units=chance.randint(1, 4)),
        ],
        [api.Line(resource="resources/RIG", units=1)],
        [api.Line(resource="resources/SEATS", units=chance.randint(1, 3))],
        [api.Line(resource="resources/BENCH", units=chance.randint(1, 3))],
        [api.Line(resource=chance.choice(["resources/ROOM-A", "resources/ROOM-B"]), units=1)],
    )
    return chance.choice(choices)


def refusal_reasons(error: grpc.aio.AioRpcError) -> list[str]:
    """Every rule that said no, if this is a definite no; else nothing."""
    status = rpc_status.from_call(error)
    refusal = api.Refusal()
    if status is None or not any(detail.Unpack(refusal) for detail in status.details):
        return []
    return [violation.reason for violation in refusal.violations]


def error_reason(error: grpc.aio.AioRpcError) -> str:
    """The reason in the error's ErrorInfo, or nothing."""
    status, info = rpc_status.from_call(error), ErrorInfo()
    if status is not None:
        any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


@asynccontextmanager
async def busy(clients: Clients, seed: int) -> AsyncIterator[Crowd]:
    """A crowd at work; at the end it stops, and every answer it waits for has come."""
    crowd = Crowd(clients, seed)
    async with asyncio.TaskGroup() as tasks:
        for booker in crowd.bookers():
            tasks.create_task(booker.run())
        try:
            yield crowd
        finally:
            crowd.stopping = True
