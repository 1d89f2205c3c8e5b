"""Metering: reports become records in the log, of the right reservation, once, and never at a booking's cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import CollectorRegistry

from services.allocation import events
from services.allocation.commands import CreateReservation, PublishTerms, ReleaseReservation
from services.allocation.reservations import Reservation, State
from services.allocation.values.terms import NoProcessRule, Terms
from services.eventlog import Unknown
from services.eventlog.beside import USE, SideStream
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.stream import StreamInfo
from services.eventlog.use import NodeUse, encode_use
from services.scheduler import metering
from services.scheduler.clock import SimulatedClock
from services.scheduler.metering import RECORD_SECONDS, Meter
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import HOUR, book, line
from tests.scheduler.desk import Held, ManualClock, ask, leading, pages

SECONDS_MAX = 30
NODES = {node.id: index for index, node in enumerate(fixture.A100.nodes)}


class Room:
    """A centre whose reservations are metered, under a clock that the test moves."""

    def __init__(self, writer: Writer, log: Held, clock: ManualClock) -> None:
        self.writer, self.log, self.clock = writer, log, clock
        self.registry = CollectorRegistry()
        self.meter = Meter(writer, self.registry)

    async def active(self, hours: float = 4) -> Reservation:
        """A whole GPU, booked from the next hour on, that has just begun."""
        command = book("ALPHA", line("a100", 1000), start=NOW + HOUR, hours=hours)
        assert isinstance(command, CreateReservation)
        made, _ = await self.writer.submit(ask(command))
        assert isinstance(made, Reservation)
        await self.move(HOUR)
        return made

    async def move(self, seconds: int) -> None:
        """Let time pass, and be told so."""
        self.clock.seconds += seconds
        self.writer.tick()
        await self.writer.settled()

    def report(self, reservation: Reservation, busy: int, seconds: int = 60, processes: tuple[int, ...] = ()) -> bool:
        """What the reservation's node says about the last seconds: that its bin was so busy, and no other was."""
        (index,) = reservation.allocations[0].bins
        node, place = divmod(index, fixture.A100.bins_per_node)
        rates = tuple(busy if other == place else 0 for other in range(fixture.A100.bins_per_node))
        now = int(self.clock.seconds)
        name = fixture.A100.nodes[node].id
        return self.meter.take(
            NodeUse(node=name, start=now - seconds, end=now, source="test", accelerators=rates, processes=processes)
        )

    def recorded(self) -> list[events.UseMeasured]:
        """Every record in the log."""
        entries = [entry for page in pages(self.log) for entry in page.entries]
        return [fact for entry in entries for fact in entry.events if isinstance(fact, events.UseMeasured)]


@asynccontextmanager
async def metered() -> AsyncIterator[Room]:
    """The fixture's shared pool, and a company."""
    log, clock = Held(), ManualClock()
    async with leading(log, fixture.A100, *fixture.COMPANIES, clock=clock) as writer:
        yield Room(writer, log, clock)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing arrives late here."""
    monkeypatch.setattr(metering, "LATE_SECONDS", 0.0)


async def test_a_reservation_that_ended_is_recorded_once() -> None:
    """What was measured is in the log after the end, with whose it was, and is not written again."""
    async with metered() as room:
        reservation = await room.active(hours=1)
        await room.move(60)
        assert room.report(reservation, busy=500)
        await room.move(HOUR)
        await room.meter.record()
        await room.meter.record()
        (record,) = room.recorded()
        assert (record.reservation_id, record.company) == (reservation.id, "ALPHA")
        (use,) = record.resources
        assert (use.resource, use.measured, use.busy, use.idle) == ("a100", 60_000, 30_000, 0)
        assert reservation.id not in room.meter.book


async def test_what_lasts_is_recorded_every_hour() -> None:
    """A long reservation is written down in between, and each record begins where the one before ended."""
    async with metered() as room:
        reservation = await room.active(hours=4)
        for _ in range(3):
            await room.move(RECORD_SECONDS)
            room.report(reservation, busy=1000, seconds=900)
            await room.meter.record()
        records = room.recorded()
        assert [record.since for record in records] == [reservation.start, *(record.until for record in records[:-1])]
        assert sum(use.measured for record in records for use in record.resources) == 3 * 900_000


async def test_what_no_process_ever_ran_on_is_given_back_at_its_hour() -> None:
    """Once, as soon as the reports reach the hour, and with the record that shows it; the event says why."""
    async with metered() as room:
        await room.writer.submit(ask(PublishTerms(terms=Terms(effective=NOW, no_process=NoProcessRule(minutes=60)))))
        reservation = await room.active(hours=4)
        for minute in range(60):
            await room.move(60)
            assert room.report(reservation, busy=10, processes=(0,) * 8)
            await room.meter.record()
            assert (room.writer.centre.reservations[reservation.id].state is State.ACTIVE) == (minute < 59)
        after = room.writer.centre.reservations[reservation.id]
        assert (after.state, after.end) == (State.NO_SHOW, reservation.start + HOUR)
        assert after.reason == "no process ran on it for 60 minutes from its start, as its nodes report"
        (record,) = room.recorded()
        assert record.in_use is False


async def test_a_release_is_metered_up_to_its_cut() -> None:
    """A report that comes after an early end counts for the time before it."""
    async with metered() as room:
        reservation = await room.active(hours=4)
        await room.move(HOUR - 60)
        await room.writer.submit(ask(ReleaseReservation(reservation_id=reservation.id, company="ALPHA")))
        await room.move(120)
        assert room.report(reservation, busy=1000, seconds=180)
        await room.meter.record()
        (record,) = room.recorded()
        assert [use.measured for use in record.resources] == [120_000]


async def test_records_wait_while_the_log_does_not_answer() -> None:
    """When the log is behind nothing is lost: the record is written once it answers again."""
    async with metered() as room:
        reservation = await room.active(hours=1)
        await room.move(60)
        room.report(reservation, busy=1000)
        await room.move(HOUR)
        room.log.gate.clear()
        recording = asyncio.create_task(room.meter.record())
        await asyncio.sleep(0)
        assert room.recorded() == []
        room.log.gate.set()
        await recording
        assert len(room.recorded()) == 1


async def test_measuring_changes_nothing_that_is_held() -> None:
    """The reservation's version stays, so that no client's etag goes stale, and nobody who watches is told."""
    async with metered() as room:
        reservation = await room.active(hours=4)
        await room.move(RECORD_SECONDS)
        before = room.writer.centre.reservations[reservation.id]
        told: list[Reservation] = []
        room.writer.pages.on_durable.append(lambda sheet: told.extend(sheet.changes))
        room.report(reservation, busy=1000)
        await room.meter.record()
        assert room.writer.centre.reservations[reservation.id] is before
        assert told == []
        assert len(room.recorded()) == 1


async def test_stopping_records_what_there_is() -> None:
    """An orderly end loses nothing that was measured."""
    async with metered() as room:
        reservation = await room.active(hours=4)
        await room.move(60)
        room.report(reservation, busy=1000)
        await room.meter.record(everything=True)
        assert len(room.recorded()) == 1


async def test_a_new_scheduler_meters_what_it_finds_active() -> None:
    """After a restart the reservations that go on are measured again."""
    log, clock = Held(), ManualClock()
    async with leading(log, fixture.A100, *fixture.COMPANIES, clock=clock) as writer:
        reservation = await Room(writer, log, clock).active()
    async with leading(log, clock=clock, name="second") as writer:
        room = Room(writer, log, clock)
        await room.move(60)
        assert room.report(reservation, busy=1000)
        await room.meter.record(everything=True)
        assert len(room.recorded()) == 1


async def test_a_report_of_impossible_length_is_not_believed() -> None:
    """Nobody can claim a day's work in one message."""
    async with metered() as room:
        reservation = await room.active()
        await room.move(86_400)
        assert not room.report(reservation, busy=1000, seconds=86_400)


async def test_reports_arrive_by_a_real_stream(nats_url: str) -> None:
    """On a real nats-server the stream is made, again if it is lost, and reports are counted, if they are any."""
    connected = await JetStreamLog.connect(nats_url, "metering")
    stream = SideStream(connected.connection, "metering", USE)
    async with metered() as room, asyncio.timeout(SECONDS_MAX):
        await room.active()
        making = asyncio.create_task(room.meter.keep_stream(stream, pause_seconds=0))
        reading = asyncio.create_task(room.meter.read(stream))
        await stream.make()
        now = int(room.clock.seconds)
        good = NodeUse(node=fixture.A100.nodes[0].id, start=now - 60, end=now, source="test", accelerators=(0,) * 8)
        while not count(room, "unreadable"):
            await stream.publish(b"no report")  # Until the reader is there: it begins now, not with the past.
        await stream.publish(encode_use(good), about=good.node)
        nobody = encode_use(NodeUse(node="nobody", start=now - 60, end=now, source="test"))
        await stream.publish(nobody, about="nobody")
        await stream.publish(nobody)
        await stream.publish(encode_use(good), about="nobody")
        while not (count(room, "counted") and count(room, "left_out") and count(room, "forged") == 2):
            await stream.publish(b"no report")  # A round trip each time, until both were read.
        await connected.connection.ask(f"STREAM.DELETE.{stream.name}", {}, StreamInfo)
        before = count(room, "unreadable")
        while count(room, "unreadable") == before:
            with suppress(Unknown):
                await stream.publish(b"no report")  # Until the stream is there again, and so is the reader.
        making.cancel()
        reading.cancel()
    await connected.close()


def count(room: Room, outcome: str) -> float | None:
    """So many reports had this outcome."""
    return room.registry.get_sample_value("alloc_use_reports_total", {"outcome": outcome})


def test_a_simulated_clock_places_reports_in_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an hour passes in a second, a report about the last second is about the last hour."""
    monkeypatch.setattr("time.time", lambda: 5_000.0)
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    clock = SimulatedClock(start=1_000_000, speed=3_600)
    assert clock.shown_at(4_999.0) == 1_000_000 - 3_600
    assert clock.shown_at(5_000.0) == 1_000_000
