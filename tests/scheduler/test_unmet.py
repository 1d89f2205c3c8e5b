"""Refused bookings are told beside the log: exactly, once a second, and never at a booking's cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.allocation.commands import CreateReservation
from services.allocation.decide import decide
from services.allocation.rejections import Rejected
from services.eventlog import Unknown
from services.eventlog.beside import REFUSALS, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.memory import MemoryLog
from services.eventlog.refusals import Refusals, decode_refusals
from services.scheduler.unmet import MESSAGE_REFUSALS_MAX, WAITING_MAX, UnmetDemand
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.fixture import NOW, TUESDAY
from tests.allocation.scenario import HOUR, book, line
from tests.scheduler.desk import leading
from tests.scheduler.serving import Refused, demand, serving
from tests.scheduler.wishes import batched

NOON = TUESDAY + 12 * HOUR
SECONDS_MAX = 30


class Box:
    """Takes messages, unless it is away."""

    def __init__(self) -> None:
        self.messages: list[Refusals] = []
        self.away = False
        self.arrived = asyncio.Event()

    async def make(self) -> None:
        """Be there."""
        if self.away:
            raise Unknown("away")

    async def publish(self, data: bytes) -> None:
        """Keep it."""
        await self.make()
        self.messages.append(decode_refusals(data))
        self.arrived.set()


class Told:
    """Unmet demand of a centre, told into a box."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.box, self.registry = writer, Box(), CollectorRegistry()
        self.unmet = UnmetDemand(writer.centre, self.box, self.registry)

    def refuse(self, command: CreateReservation, times: int = 1) -> None:
        """Have a command refused, and note it so many times."""
        with pytest.raises(Rejected) as refusal:
            decide(self.writer.centre, command, NOW)
        for _ in range(times):
            self.unmet.note(command, refusal.value, NOW)

    def count(self, name: str) -> float | None:
        """A counter's value."""
        return self.registry.get_sample_value(f"alloc_refusals_{name}_total")


@asynccontextmanager
async def telling() -> AsyncIterator[Told]:
    """The fixture's centre in memory."""
    things = (*fixture.RESOURCES, *fixture.COMPANIES, *fixture.QUOTAS)
    async with leading(MemoryLog(), *things) as writer:
        yield Told(writer)


def cores(units: int, hours: float = 2) -> CreateReservation:
    """A wish for cores at noon."""
    command = book("ALPHA", line("cpu", units), start=NOON, hours=hours)
    assert isinstance(command, CreateReservation)
    return command


async def test_a_refusal_is_told_with_what_it_asked_for_and_why() -> None:
    """Units, seconds, company and the reason that stood in the way of each line, as the rules gave it."""
    async with telling() as told:
        told.refuse(cores(fixture.CPU.capacity + 1))
        await told.unmet.tell()
    (refused,) = told.box.messages[0].refused
    (asked,) = refused.lines
    assert (refused.time, refused.company) == (NOW, "ALPHA")
    assert (asked.resource, asked.units, asked.seconds) == ("cpu", fixture.CPU.capacity + 1, 2 * HOUR)
    assert asked.reason == "NO_CAPACITY"


async def test_the_same_wish_has_the_same_name() -> None:
    """A retry under another reservation id is the same demand; other units or hours are another one."""
    async with telling() as told:
        for wish in (cores(500), cores(500), cores(501), cores(500, hours=3)):
            told.refuse(wish)
        await told.unmet.tell()
    names = [refused.demand for refused in told.box.messages[0].refused]
    assert names[0] == names[1]
    assert len(set(names)) == 3


async def test_nonsense_is_nobodys_demand() -> None:
    """A booking of what there is not, or in the past, says nothing about what the centre lacks."""
    async with telling() as told:
        nonsense = book("ALPHA", line("nowhere", 1), start=NOON, hours=1)
        assert isinstance(nonsense, CreateReservation)
        told.refuse(nonsense)
        await told.unmet.tell()
    assert told.box.messages == []


async def test_nats_away_costs_messages_and_nothing_else() -> None:
    """What cannot be told is dropped, counted here, and said in the next message that arrives."""
    async with telling() as told:
        told.box.away = True
        told.refuse(cores(500), times=3)
        await told.unmet.tell()
        assert (told.count("dropped"), told.count("published")) == (3, 0)
        told.box.away = False
        told.refuse(cores(500))
        await told.unmet.tell()
    assert [(len(message.refused), message.untold) for message in told.box.messages] == [(1, 3)]
    assert told.count("published") == 1


async def test_a_flood_of_refusals_is_bounded() -> None:
    """No more than so many wait, no more than so many leave in one message, and the rest are counted."""
    async with telling() as told:
        told.refuse(cores(500), times=WAITING_MAX + 5)
        await told.unmet.tell()
    assert told.count("dropped") == 5
    assert [(len(message.refused), message.untold) for message in told.box.messages] == [(MESSAGE_REFUSALS_MAX, 5)]


async def test_bookings_that_are_refused_at_the_door_are_told(tmp_path: Path) -> None:
    """CreateReservation and both kinds of batches tell what they refuse; a question that changes nothing does not."""
    async with serving(tmp_path) as desk:
        noted: list[int] = []
        desk.telemetry.on_unmet.append(lambda command, _: noted.append(command.lines[0].units))
        for request in (demand(1, ("cpu", 225), validate_only=True), demand(2, ("cpu", 226))):
            with pytest.raises(Refused):
                await desk.call("CreateReservation", request)
        await desk.call(
            "BatchCreateReservations", batched(demand(3, ("cpu", 227)), demand(4, ("cpu", 1)), atomic=False)
        )
        with pytest.raises(Refused):
            await desk.call("BatchCreateReservations", batched(demand(5, ("cpu", 2)), demand(6, ("cpu", 228))))
    assert noted == [226, 227, 2, 228]


async def test_refusals_reach_a_real_stream(nats_url: str) -> None:
    """On a real nats-server the stream is made, and a reader finds what was refused; the log stays empty."""
    log = await JetStreamLog.connect(nats_url, "unmet")
    stream = SideStream(log.connection, "unmet", REFUSALS)
    async with telling() as told, asyncio.timeout(SECONDS_MAX):
        unmet = UnmetDemand(told.writer.centre, stream, CollectorRegistry())
        running = asyncio.create_task(unmet.run(pause_seconds=0))
        with pytest.raises(Rejected) as refusal:
            decide(told.writer.centre, cores(500), NOW)
        unmet.note(cores(500), refusal.value, NOW)
        following = stream.follow()
        (record,) = await anext(following)
        running.cancel()
        await following.aclose()
    assert decode_refusals(record.data).refused[0].lines[0].units == 500
    assert await log.last_position() == 0
    await log.close()
