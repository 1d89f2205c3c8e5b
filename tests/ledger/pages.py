"""Short ways to say what stands on a log: entries, and pages chained as a writer would chain them."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from services.allocation import events
from services.allocation.companies import Company, Quota
from services.allocation.events import Event
from services.allocation.reservations import Allocation, Line
from services.allocation.resources import Interval, Kind, Node, Resource, Unit
from services.allocation.values.approval import Approval, Rule, Vote
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.months import ClosedMonth, bounds
from services.allocation.values.tariff import Basis, Discount, Peak, Price, Tariff
from services.allocation.values.use import MeasuredUse
from services.eventlog.memory import MemoryLog
from services.eventlog.page import FORMAT, GENESIS, Entry, Page, encode_page, page_hash

CENTRE = "test-centre"
HOUR = 3600
MONDAY = 1_772_409_600
"""Monday 2026-03-02 00:00 UTC, in seconds."""


def entry(*facts: Event, at: int = MONDAY, actor: str = "CMP-0001", request_id: str = "") -> Entry:
    """One decision at a time in seconds."""
    return Entry(time=at * 1_000_000, actor=actor, events=tuple(facts), request_id=request_id)


def chained(contents: Iterable[Sequence[Entry]], previous: str = GENESIS, *, centre: str = CENTRE) -> list[bytes]:
    """The exact bytes of pages with these entries, each naming the hash of the one before."""
    pages = []
    for entries in contents:
        time = max((entry.time for entry in entries), default=MONDAY * 1_000_000)
        page = Page(
            format=FORMAT,
            centre=centre,
            writer="test",
            epoch=1,
            time=time,
            previous=previous,
            entries=tuple(entries),
        )
        pages.append(encode_page(page))
        previous = page_hash(pages[-1])
    return pages


def extend(log: MemoryLog, *contents: Sequence[Entry]) -> int:
    """Put pages at the end of a log; give the last position."""
    previous = page_hash(log.pages[-1]) if log.pages else GENESIS
    position = 0
    for page in chained(contents, previous):
        position = log.append_as_other(page)
    return position


def pool(name: str = "h100", nodes: int = 4, bins_per_node: int = 8, bin_capacity: int = 1) -> Event:
    """A compute pool; with a bin capacity of 1000 its GPUs can be shared by the thousandth."""
    return events.ResourceRegistered(
        resource=Resource(
            id=name,
            kind=Kind.COMPUTE,
            unit=Unit.GPU if bin_capacity == 1 else Unit.MILLI_GPU,
            nodes=tuple(Node(id=f"{name}-{number}") for number in range(nodes)),
            slot_minutes=60,
            time_zone="Asia/Seoul",
            bins_per_node=bins_per_node,
            bin_capacity=bin_capacity,
        )
    )


def company(name: str = "CMP-0001", **attributes: str) -> Event:
    """A company with a year's agreement."""
    return events.CompanyRegistered(
        company=Company(
            id=name,
            display_name=f"Company {name}",
            agreement_start=MONDAY,
            agreement_end=MONDAY + 365 * 24 * HOUR,
            attributes=attributes,
        )
    )


def equipment(name: str = "M01", *, fee: int = 0, slot_hours: int = 4, free_cancel_hours: int = 0) -> Event:
    """One piece of equipment."""
    return events.ResourceRegistered(
        resource=Resource(
            id=name,
            kind=Kind.EQUIPMENT,
            unit=Unit.SEAT,
            nodes=(Node(id=f"{name}-1"),),
            slot_minutes=slot_hours * 60,
            time_zone="Asia/Seoul",
            fee_krw_per_slot=fee,
            free_cancel_hours=free_cancel_hours,
        )
    )


def operators(name: str = "OP", people: int = 4) -> Event:
    """Staff, round the clock."""
    return events.ResourceRegistered(
        resource=Resource(
            id=name,
            kind=Kind.OPERATORS,
            unit=Unit.OPERATOR,
            nodes=tuple(Node(id=f"{name}-{number}") for number in range(people)),
            slot_minutes=60,
            time_zone="Asia/Seoul",
        )
    )


def tariff(
    name: str = "krw-2026",
    *,
    valid_from: int = 0,
    discounts: dict[str, int] | None = None,
    compute_late: int = 0,
    equipment_late: int = 100,
    no_show: int = 0,
    late_return: int = 0,
    displacement: int = 0,
    peaks: tuple[Peak, ...] = (),
    **prices: int,
) -> Event:
    """A rate card: KRW an hour, or a slot for resources whose name begins with M; discounts by a company's stage."""
    return events.TariffPublished(
        tariff=Tariff(
            id=name,
            valid_from=valid_from,
            prices=tuple(
                Price(resource=resource, krw=krw, basis=Basis.SLOT if resource.startswith("M") else Basis.HOUR)
                for resource, krw in prices.items()
            ),
            discounts=tuple(
                Discount(attribute="stage", value=stage, percent=percent)
                for stage, percent in (discounts or {}).items()
            ),
            share_step=125,
            compute_late_percent=compute_late,
            equipment_late_percent=equipment_late,
            no_show_percent=no_show,
            late_return_percent=late_return,
            displacement_percent=displacement,
            peaks=peaks,
        )
    )


def correction(name: str, krw: int, *, by: str = "CMP-0001", about: str = "", reverses: str = "") -> Event:
    """An operator credits a company, or debits it."""
    return events.CorrectionPosted(
        correction=Correction(
            id=name,
            company=by,
            krw=krw,
            kind=CorrectionKind.GOODWILL,
            reason="the cooling hummed",
            reservation_id=about,
            reverses=reverses,
        )
    )


def hours_corrected(name: str, hours: int, *, by: str = "CMP-0001", krw: int = 0, reverses: str = "") -> Event:
    """An operator gives a company hours of its quota of March, or takes them."""
    return events.CorrectionPosted(
        correction=Correction(
            id=name,
            company=by,
            krw=krw,
            kind=CorrectionKind.ERROR,
            reason="the cooling stood still",
            reverses=reverses,
            unit_seconds=hours * HOUR,
            meter="h100",
            start=MONDAY,
        )
    )


def closed(month: str) -> Event:
    """The books are closed up to the end of a month in Seoul."""
    start, end = bounds(month, ZoneInfo("Asia/Seoul"))
    return events.PeriodClosed(period=ClosedMonth(month=month, start=start, end=end))


def grant(name: str = "CMP-0001", meter: str = "h100", hours: int = 1000) -> Event:
    """A quota of unit-hours for a month."""
    return events.QuotaGranted(
        quota=Quota(company=name, meter=meter, start=MONDAY, end=MONDAY + 30 * 24 * HOUR, unit_seconds=hours * HOUR)
    )


def held(
    bins: Sequence[int], *spans: Interval, resource: str = "h100", amounts: Sequence[int] | None = None
) -> Allocation:
    """Bins of a resource, whole unless amounts are given."""
    given = tuple(amounts) if amounts else (1,) * len(bins)
    return Allocation(resource=resource, units=sum(given), spans=spans, bins=tuple(bins), amounts=given)


def hours(first: int, last: int) -> Interval:
    """From one hour to another after Monday midnight."""
    return MONDAY + first * HOUR, MONDAY + last * HOUR


def confirmed(name: str, *allocations: Allocation, by: str = "CMP-0001") -> Event:
    """A reservation of these allocations."""
    return events.ReservationConfirmed(
        reservation_id=name,
        company=by,
        start=min(start for allocation in allocations for start, _ in allocation.spans),
        end=max(end for allocation in allocations for _, end in allocation.spans),
        lines=tuple(Line(resource=allocation.resource, units=allocation.units) for allocation in allocations),
        allocations=allocations,
    )


def changed(name: str, *allocations: Allocation, excused: bool = False, late: bool = False) -> Event:
    """A reservation is for these allocations from now on."""
    return events.ReservationChanged(
        reservation_id=name,
        start=min(start for allocation in allocations for start, _ in allocation.spans),
        end=max(end for allocation in allocations for _, end in allocation.spans),
        lines=tuple(Line(resource=allocation.resource, units=allocation.units) for allocation in allocations),
        allocations=allocations,
        excused=excused,
        late=late,
    )


NOT_ASKED = ("desired", "origin", "booked_at", "approval")
"""What only is of what is booked."""


def requested(name: str, *allocations: Allocation, by: str = "CMP-0001") -> Event:
    """The same, where a manager must agree."""
    wish = confirmed(name, *allocations, by=by)
    fields = {field: getattr(wish, field) for field in wish.__struct_fields__ if field not in NOT_ASKED}
    return events.ReservationRequested(**fields, expires_at=fields["start"], approval=Approval(rule=Rule.MANAGER))


def voted(name: str, *, approves: bool = True) -> Event:
    """A vote on a reservation."""
    vote = Vote(voter="c0ffee", approves=approves, at=MONDAY, comment="sound", reference="IRB-7")
    return events.VoteCast(reservation_id=name, vote=vote)


def activated(name: str) -> Event:
    return events.ReservationActivated(reservation_id=name)


def completed(name: str) -> Event:
    return events.ReservationCompleted(reservation_id=name)


def cancelled(name: str, reason: str = "", excused: bool = False) -> Event:
    return events.ReservationCancelled(reservation_id=name, reason=reason, excused=excused)


def missed(name: str, at: int) -> Event:
    return events.ReservationMissed(reservation_id=name, released_at=at)


def displaced(name: str, at: int) -> Event:
    return events.ReservationDisplaced(reservation_id=name, displaced_at=at, outage="fire")


def curtailed(name: str, until: int) -> Event:
    return events.ReservationCurtailed(reservation_id=name, until=until, outage="works")


def released(name: str, at: int, late: bool = False) -> Event:
    """It ended early; `late` from the day on which that has a price."""
    return events.ReservationReleased(reservation_id=name, released_at=at, late=late)


def used(name: str, measured: int, busy: int, idle: int, *, by: str = "CMP-0001", resource: str = "h100") -> Event:
    """An hour's record of what nodes reported, in unit-seconds."""
    use = MeasuredUse(resource=resource, measured=measured, busy=busy, idle=idle)
    return events.UseMeasured(
        reservation_id=name, company=by, since=MONDAY, until=MONDAY + HOUR, resources=(use,), in_use=busy > 0
    )


def moved(name: str, *allocations: Allocation) -> Event:
    return events.AllocationsMoved(reservation_id=name, allocations=allocations)


OPENING = (entry(pool(), pool("a100", bin_capacity=1000), company(), company("CMP-0002"), grant(), actor="operator"),)
"""One page's entries: a pool of whole GPUs, a pool of shared ones, two companies, and a quota."""
