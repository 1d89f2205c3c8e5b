"""P6: the scheduler's own state and the ledger's tables, held against each other at one position."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count
from time import monotonic

import pytest
from msgspec.structs import replace

from services.allocation.commands import (
    AcceptTransfer,
    CancelReservation,
    OfferTransfer,
    ReleaseReservation,
    SplitReservation,
)
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation
from services.allocation.standing import Standing
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.memory import MemoryLog
from services.eventlog.witness import JetStreamWitness, MemoryWitness
from services.ledger.agreement import Agreement, standing_at
from services.ledger.database import connect_readers, connect_writer
from services.scheduler.attestation import Attestation
from services.scheduler.writer import Writer
from tests.allocation import fixture
from tests.allocation.scenario import DAY, HOUR, book, line
from tests.ledger.folding import Ledger
from tests.scheduler.desk import CENTRE, ManualClock, ask, leading

_numbers = count(1)
UNITS = {"h100": (8, 16), "a100": (125, 250, 1000), "M01": (1,)}
THINGS = (*fixture.RESOURCES, fixture.ALPHA, *fixture.QUOTAS[:10])
GAMMA = (*fixture.COMPANIES[2:], *fixture.QUOTAS[10:])


@pytest.fixture
async def ledger(postgres_dsn: str) -> AsyncIterator[Ledger]:
    """A ledger over an empty log and an empty database."""
    writer, readers = await connect_writer(postgres_dsn), await connect_readers(postgres_dsn)
    yield Ledger(MemoryLog(), writer, readers, postgres_dsn, CENTRE)
    writer.terminate()
    readers.terminate()


async def busy(writer: Writer, clock: ManualClock, days: int) -> int:
    """Book, cancel and release at random for some days; gives how many bookings were granted."""
    chance, granted = random.Random(7), 0
    live: list[Reservation] = []
    for _ in range(days):
        for _ in range(12):
            start = int(clock.seconds) // HOUR * HOUR + chance.randrange(1, 60) * HOUR
            name = chance.choice(tuple(UNITS))
            wish = book("ALPHA", line(name, chance.choice(UNITS[name])), start=start, hours=chance.randrange(1, 9))
            try:
                made, _ = await writer.submit(ask(wish))
            except Rejected:
                continue
            assert isinstance(made, Reservation)
            live.append(made)
            granted += 1
        for reservation in chance.sample(live, min(len(live), 3)):
            kind = chance.choice([CancelReservation, ReleaseReservation])
            try:
                await writer.submit(ask(kind(reservation_id=reservation.id, company="ALPHA")))
            except Rejected:
                continue
        clock.seconds += DAY
        while writer.tick():
            await writer.settled()
    return granted


async def test_both_hold_the_same_wherever_they_are_compared(ledger: Ledger) -> None:
    """Through weeks of bookings, moves, endings and releases the tables equal the scheduler's state at every position
    at which it was told, asked long after they have gone on."""
    clock, witness = ManualClock(), MemoryWitness()
    async with leading(ledger.log, *THINGS, clock=clock) as writer:
        telling = asyncio.create_task(Attestation(writer, witness, lambda: 20.0 * len(ledger.log.pages), 0).run())
        assert await busy(writer, clock, days=20) > 100
        telling.cancel()
    await _fold(ledger)
    assert len(witness.said) > 50
    assert len({said.sum for said in witness.said}) > 30
    for said in witness.said:
        assert await standing_at(ledger.readers, said.position) == said


async def test_a_difference_is_an_alarm_that_stays(ledger: Ledger) -> None:
    """Tables that hold something else than the scheduler are told by a metric, which no later agreement takes back."""
    clock, witness = ManualClock(), MemoryWitness()
    async with leading(ledger.log, *THINGS, clock=clock) as writer:
        telling = asyncio.create_task(Attestation(writer, witness, monotonic, 0).run())
        await busy(writer, clock, days=1)
        telling.cancel()
    await _fold(ledger)
    agreement = Agreement(lambda: _ready(witness), ledger.readers, ledger.progress, ledger.telemetry)
    assert await agreement.compare() is True
    value = ledger.registry.get_sample_value
    assert value("alloc_states_difference_position") == 0
    assert (value("alloc_states_compared_timestamp_seconds") or 0) > 1e9
    said = witness.said[-1]
    for wrong in (replace(said, lines=said.lines + 1), replace(said, sum="1"), replace(said, hash="0" * 64)):
        witness.said.append(wrong)
        assert await agreement.compare() is False
    assert value("alloc_states_difference_position") == said.position
    witness.said.append(said)
    assert await agreement.compare() is True
    assert value("alloc_states_difference_position") == said.position


async def test_a_row_that_nobody_wrote_is_a_difference(ledger: Ledger) -> None:
    """Bins in the table that are others than those given is found at the next comparison."""
    clock, witness = ManualClock(), MemoryWitness()
    async with leading(ledger.log, *THINGS, clock=clock) as writer:
        await writer.submit(ask(book("ALPHA", line("h100", 8), start=fixture.TUESDAY + 9 * HOUR, hours=2)))
        telling = asyncio.create_task(Attestation(writer, witness, monotonic, 0).run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        telling.cancel()
    await _fold(ledger)
    agreement = Agreement(lambda: _ready(witness), ledger.readers, ledger.progress, ledger.telemetry)
    assert await agreement.compare() is True
    async with ledger.tampering() as connection:
        await connection.execute("UPDATE allocations SET place = place + 8")
    assert await agreement.compare() is False


async def test_what_is_handed_over_since_is_compared_as_it_stood(ledger: Ledger) -> None:
    """A word about the time before a reservation went to another company, and back again, is no difference."""
    clock, witness = ManualClock(), MemoryWitness()
    async with leading(ledger.log, *THINGS, *GAMMA, clock=clock) as writer:
        telling = asyncio.create_task(Attestation(writer, witness, lambda: 20.0 * len(ledger.log.pages), 0).run())
        start = fixture.TUESDAY + 9 * HOUR
        made, _ = await writer.submit(ask(book("ALPHA", line("h100", 8), start=start, hours=2)))
        assert isinstance(made, Reservation)
        for giver, taker in (("ALPHA", "GAMMA"), ("GAMMA", "ALPHA")):
            offer = OfferTransfer(reservation_id=made.id, company=giver, to=taker, seconds=HOUR)
            await writer.submit(ask(offer))
            await writer.submit(ask(AcceptTransfer(reservation_id=made.id, company=giver, receiver=taker)))
            await asyncio.sleep(0)
        telling.cancel()
    await _fold(ledger)
    assert len({said.sum for said in witness.said if said.lines}) == 2
    for said in witness.said:
        assert await standing_at(ledger.readers, said.position) == said


async def test_what_is_split_since_is_compared_as_it_stood(ledger: Ledger) -> None:
    """A word about the time before a reservation was split, and one about both parts, is no difference."""
    clock, witness = ManualClock(), MemoryWitness()
    async with leading(ledger.log, *THINGS, clock=clock) as writer:
        telling = asyncio.create_task(Attestation(writer, witness, lambda: 20.0 * len(ledger.log.pages), 0).run())
        start = fixture.TUESDAY + 9 * HOUR
        wish = book("ALPHA", line("h100", 16), start=start, hours=2)
        split = SplitReservation(
            reservation_id=wish.reservation_id, company="ALPHA", part_id="part", lines=(line("h100", 8),)
        )
        others = [book("ALPHA", line("h100", 8), start=start + day * DAY, hours=1) for day in (1, 2, 3)]
        for each in (wish, others[0], split, *others[1:]):
            await writer.submit(ask(each))
            await asyncio.sleep(0)
        telling.cancel()
    await _fold(ledger)
    assert len({said.sum for said in witness.said if said.lines}) > 1
    for said in witness.said:
        assert await standing_at(ledger.readers, said.position) == said


async def test_a_scheduler_that_said_nothing_is_no_difference(ledger: Ledger) -> None:
    """Before the first word there is nothing to compare."""
    agreement = Agreement(lambda: _ready(MemoryWitness()), ledger.readers, ledger.progress, ledger.telemetry)
    assert await agreement.compare() is None
    assert ledger.registry.get_sample_value("alloc_states_difference_position") == 0


async def test_the_newest_word_replaces_the_one_before(nats_url: str) -> None:
    """Beside the real log, another connection hears what was said last, and nothing before anything was said."""
    centre = f"witness-{next(_numbers)}"
    log, other = [await JetStreamLog.connect(nats_url, centre) for _ in range(2)]
    scheduler, ledger = JetStreamWitness(log.connection, centre), JetStreamWitness(other.connection, centre)
    assert await ledger.hear() is None
    for position in (3, 9):
        said = Standing(position=position, hash="a" * 64, lines=position, sum="-12")
        await scheduler.say(said)
        assert await ledger.hear() == said
    assert await JetStreamWitness(log.connection, centre).hear() == said
    await log.close()
    await other.close()


async def _fold(ledger: Ledger) -> None:
    await ledger.fold()
    assert ledger.progress.position == len(ledger.log.pages)


async def _ready(witness: MemoryWitness) -> MemoryWitness:
    return witness
