"""A synthetic log: companies that book, start, end, cancel and release on a few pools, as a real writer's pages."""

from collections.abc import Iterator
from itertools import chain
from random import Random

from services.allocation import events
from services.allocation.companies import Company, Quota
from services.allocation.events import Event
from services.allocation.rejections import Reason
from services.allocation.reservations import Allocation, Line
from services.allocation.resources import Kind, Node, Resource, Unit
from services.allocation.values.approval import Approval, Rule
from services.allocation.values.reclaim import Removal
from services.allocation.values.use import MeasuredUse
from services.eventlog.page import FORMAT, GENESIS, Entry, Page, Record, encode_page, page_hash
from services.eventlog.refusals import Refusals, Refused, RefusedLine
from services.eventlog.use import NodeUse

START = 1_772_496_000  # 2026-03-03T00:00:00Z
YEAR_SECONDS = 365 * 86_400
HOUR_SECONDS = 3_600


def pool(number: int, nodes: int = 30) -> Resource:
    """A compute pool of eight-GPU nodes."""
    return Resource(
        id=f"pool-{number:03}",
        kind=Kind.COMPUTE,
        unit=Unit.GPU,
        nodes=tuple(Node(id=f"pool-{number:03}-{node:03}", zone=f"Z-{node % 3}") for node in range(nodes)),
        slot_minutes=60,
        time_zone="Asia/Seoul",
        bins_per_node=8,
    )


def company(number: int) -> Company:
    """A resident company."""
    return Company(
        id=f"CMP-{number:04}",
        display_name=f"Company {number}",
        programme="resident",
        agreement_start=START,
        agreement_end=START + YEAR_SECONDS,
    )


def quota(company_id: str, meter: str) -> Quota:
    """A year's unit-seconds on one meter."""
    return Quota(company=company_id, meter=meter, start=START, end=START + YEAR_SECONDS, unit_seconds=10_000_000)


def catalogue(companies: int, pools: int, meters: int = 2) -> Iterator[Event]:
    """Register the pools and the companies, each with quotas on some of the pools."""
    for number in range(pools):
        yield events.ResourceRegistered(resource=pool(number))
    for number in range(companies):
        yield events.CompanyRegistered(company=company(number))
        for offset in range(meters):
            meter = f"pool-{(number + offset) % pools:03}"
            yield events.QuotaGranted(quota=quota(f"CMP-{number:04}", meter))


def confirmed(number: int, company_id: str, resource: str, start: int) -> events.ReservationConfirmed:
    """Eight GPUs of one node for two hours, paid by the quota of the pool."""
    allocation = Allocation(
        resource=resource,
        units=8,
        spans=((start, start + 2 * HOUR_SECONDS),),
        bins=tuple(range(8 * (number % 30), 8 * (number % 30) + 8)),
        amounts=(1,) * 8,
        meter=resource,
    )
    return events.ReservationConfirmed(
        reservation_id=f"0191f3c0-1111-7222-8333-{number:012}",
        company=company_id,
        start=start,
        end=start + 2 * HOUR_SECONDS,
        lines=(Line(resource=resource, units=8),),
        allocations=(allocation,),
    )


def requested(booking: events.ReservationConfirmed) -> events.ReservationRequested:
    """The same, which a manager has to approve."""
    shared = set(events.ReservationConfirmed.__struct_fields__) & set(events.ReservationRequested.__struct_fields__)
    fields = {name: getattr(booking, name) for name in shared - {"approval"}}
    return events.ReservationRequested(**fields, expires_at=booking.start, approval=Approval(rule=Rule.MANAGER))


def bookings(count: int, companies: int, pools: int, meters: int = 2, seed: int = 1) -> Iterator[list[Event]]:
    """Decisions: reservations one by one, and after each hundred the cancelling, starting and ending of ninety.

    The first one waits for approval throughout, and one company was reviewed.
    """
    random = Random(seed)
    waiting: list[str] = []
    holders: dict[str, tuple[str, str]] = {}
    yield [requested(confirmed(count, "CMP-0000", "pool-000", START + YEAR_SECONDS))]
    yield [reviewed("CMP-0000", "pool-000")]
    for number in range(count):
        who = random.randrange(companies)
        resource = f"pool-{(who + random.randrange(meters)) % pools:03}"
        decided = confirmed(number, f"CMP-{who:04}", resource, START + number)
        yield [decided]
        holders[decided.reservation_id] = (decided.company, resource)
        waiting.append(decided.reservation_id)
        if len(waiting) == 100:
            leaving, waiting = waiting[:90], waiting[90:]
            starting = leaving[10:]
            yield [events.ReservationCancelled(reservation_id=name) for name in leaving[:9]]
            yield [events.ReservationDisplaced(reservation_id=leaving[9], displaced_at=START, outage="OUT-1")]
            yield [events.ReservationActivated(reservation_id=name) for name in starting]
            yield [
                events.ReservationReleased(reservation_id=name, released_at=START + number) for name in starting[:10]
            ]
            yield [events.ReservationMissed(reservation_id=starting[10], released_at=START + number)]
            yield [events.ReservationCompleted(reservation_id=name) for name in starting[11:]]
            yield [measured(name, *holders[name], number) for name in starting[11:]]
            holders = {name: holders[name] for name in waiting}


def reviewed(company_id: str, meter: str) -> events.QuotaReviewed:
    """An hour of a quota goes to the reserve of the company's programme."""
    removal = Removal(meter=meter, start=START, unit_seconds=HOUR_SECONDS)
    return events.QuotaReviewed(company=company_id, at=START, meters=(), removals=(removal,), to_reserve=True)


def measured(name: str, company_id: str, resource: str, number: int) -> events.UseMeasured:
    """A record of two hours on eight GPUs, some of them at work and some left alone."""
    use = MeasuredUse(resource=resource, measured=16 * HOUR_SECONDS, busy=number % 50_000, idle=number % 5_000)
    since, until = START + number, START + number + 2 * HOUR_SECONDS
    return events.UseMeasured(
        reservation_id=name, company=company_id, since=since, until=until, resources=(use,), in_use=number % 3 > 0
    )


def report(node: str, *rates: int, start: int = START, seconds: int = 15) -> NodeUse:
    """What a node says about a quarter of a minute: that its eight GPUs were at work for 0.7 of it, or otherwise."""
    return NodeUse(
        node=node, start=start, end=start + seconds, source="test", accelerators=rates or (700,) * 8, processor=100
    )


def refusals(companies: int, pools: int, now: int) -> Refusals:
    """A demand of every company for eight units of some pool for an hour, each refused for a reason of its own."""
    reasons = list(Reason)
    return Refusals(
        refused=tuple(
            Refused(time=now, company=f"CMP-{number:04}", demand=f"{number:016}", lines=(line,))
            for number in range(companies)
            for reason in (reasons[number % len(reasons)],)
            for line in (RefusedLine(resource=f"pool-{number % pools:03}", units=8, seconds=3_600, reason=reason),)
        )
    )


def small_log(centre: str) -> list[Record]:
    """A log of three companies, two pools and 250 reservations."""
    return chained(chain(([event] for event in catalogue(3, 2)), bookings(250, 3, 2)), centre)


def chained(decisions: Iterator[list[Event]], centre: str = "test", entries_per_page: int = 60) -> list[Record]:
    """The decisions as the exact bytes of a centre's hash-chained log, one second apart."""
    records: list[Record] = []
    previous, time = GENESIS, START * 1_000_000
    pending: list[Entry] = []

    def write() -> None:
        nonlocal previous
        page = Page(
            format=FORMAT,
            centre=centre,
            writer="writer",
            epoch=1,
            time=time,
            previous=previous,
            entries=tuple(pending),
        )
        data = encode_page(page)
        previous = page_hash(data)
        records.append(Record(position=len(records) + 1, data=data))
        pending.clear()

    write()
    for number, decided in enumerate(decisions):
        time += 1_000_000
        pending.append(
            Entry(
                time=time,
                actor="companies/CMP-0001",
                events=tuple(decided),
                request_id=f"0191f3c0-aaaa-7222-8333-{number:012}",
                request_digest="d" * 64,
            )
        )
        if len(pending) == entries_per_page:
            write()
    write()
    return records
