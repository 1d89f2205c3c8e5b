"""A small centre with one of everything: pools, a simulator and what it needs, a group, nights, round the clock.

Monday, 2 March 2026, 08:00 in Seoul is now. Times are local unless a zone is named.
"""

from msgspec.structs import replace

from services.allocation.companies import EQUIPMENT_METER, Company, Quota
from services.allocation.resources import Companion, Kind, Node, OpeningHours, Resource, Unit
from services.allocation.values.conduct import Qualification
from services.allocation.values.tariff import Basis, Discount, Price, Tariff
from tests.allocation.scenario import DAY, HOUR, SEOUL, Scenario, at

NOW = at("2026-03-02 08:00")
MONDAY, TUESDAY, FRIDAY = at("2026-03-02 00:00"), at("2026-03-03 00:00"), at("2026-03-06 00:00")
NEXT_MONDAY = MONDAY + 7 * DAY

WORKDAYS = (0, 1, 2, 3, 4)
OFFICE = OpeningHours(weekdays=WORKDAYS, opens=9 * 60, closes=18 * 60, break_starts=13 * 60, break_ends=14 * 60)
SHIFT = OpeningHours(weekdays=WORKDAYS, opens=9 * 60, closes=18 * 60)
NIGHT = OpeningHours(weekdays=(0, 1, 2, 3), opens=20 * 60, closes=32 * 60)


def nodes(prefix: str, *places: tuple[str, str, str]) -> tuple[Node, ...]:
    """Nodes at (rack, fabric group, zone)."""
    return tuple(
        Node(id=f"{prefix}-{number}", rack=rack, fabric_group=group, zone=zone)
        for number, (rack, group, zone) in enumerate(places)
    )


def seats(prefix: str, count: int) -> tuple[Node, ...]:
    """Seats, or people, that stand nowhere in particular."""
    return tuple(Node(id=f"{prefix}-{number}") for number in range(count))


TARIFF = Tariff(
    id="krw-2026",
    valid_from=0,
    prices=(Price(resource="h100", krw=3000), Price(resource="M01", krw=600_000, basis=Basis.SLOT)),
    discounts=(
        Discount(attribute="region", value="gwangju", percent=50),
        Discount(attribute="stage", value="university", percent=100),
        Discount(attribute="programme", value="academy", percent=80),
    ),
    share_step=125,
    compute_late_percent=100,
    equipment_late_percent=100,
    no_show_percent=100,
)


A100 = Resource(
    id="a100",
    kind=Kind.COMPUTE,
    unit=Unit.MILLI_GPU,
    nodes=nodes(
        "a100",
        *[("R1", "F1", "Z-A")] * 2,
        *[("R2", "F1", "Z-A")] * 2,
        *[("R3", "F2", "Z-B")] * 2,
    ),
    bins_per_node=8,
    bin_capacity=1000,
    units_min=125,
    units_step=125,
    slot_minutes=60,
    time_zone=SEOUL,
)
H100 = Resource(
    id="h100",
    kind=Kind.COMPUTE,
    unit=Unit.GPU,
    nodes=nodes("h100", *[("R7", "F7", "Z-A")] * 2, *[("R8", "F8", "Z-B")] * 2),
    bins_per_node=1,
    bin_capacity=8,
    units_min=8,
    units_step=8,
    slot_minutes=60,
    time_zone=SEOUL,
    quota_required=True,
)
CPU = Resource(
    id="cpu",
    kind=Kind.COMPUTE,
    unit=Unit.CORE,
    nodes=nodes("cpu", *[("R9", "F9", "Z-A")] * 2),
    bin_capacity=112,
    slot_minutes=60,
    time_zone=SEOUL,
)
OPERATORS = Resource(
    id="OP",
    kind=Kind.OPERATORS,
    unit=Unit.OPERATOR,
    nodes=seats("OP", 4),
    slot_minutes=30,
    time_zone=SEOUL,
    hours=SHIFT,
    closed_days=("2026-03-05",),
)
M03 = Resource(
    id="M03",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("M03", 8),
    slot_minutes=60,
    time_zone=SEOUL,
    slots_max=240,
    companions=(Companion(resource="a100", units=1000),),
)
M01 = Resource(
    id="M01",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("M01", 1),
    slot_minutes=240,
    time_zone=SEOUL,
    hours=OFFICE,
    closed_days=("2026-03-05",),
    slots_max=4,
    notice_hours=24,
    horizon_days=90,
    companions=(
        Companion(resource="M03", units=1),
        Companion(resource="a100", units=8000),
        Companion(resource="OP", units=2),
    ),
)


def cabin(name: str) -> Resource:
    """A cabin of the simulator: of no use without it, and only one fits at a time."""
    return Resource(
        id=name,
        kind=Kind.EQUIPMENT,
        unit=Unit.SEAT,
        nodes=seats(name, 1),
        slot_minutes=240,
        time_zone=SEOUL,
        hours=OFFICE,
        only_with="M01",
        exclusive_group="CABIN",
        changeover_minutes=120,
    )


def track(name: str) -> Resource:
    """A vehicle on the one test track."""
    return Resource(
        id=name,
        kind=Kind.EQUIPMENT,
        unit=Unit.SEAT,
        nodes=seats(name, 1),
        slot_minutes=60,
        time_zone=SEOUL,
        hours=SHIFT,
        exclusive_group="TRACK",
        changeover_minutes=15,
    )


NIGHT_LAB = Resource(
    id="N01",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("N01", 1),
    slot_minutes=240,
    time_zone=SEOUL,
    hours=NIGHT,
    closed_days=("2026-03-04",),
)
CLOCK_ROUND = Resource(
    id="C24", kind=Kind.EQUIPMENT, unit=Unit.SEAT, nodes=seats("C24", 2), slot_minutes=60, time_zone=SEOUL
)
RESTRICTED = Resource(
    id="R01",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("R01", 1),
    slot_minutes=60,
    time_zone=SEOUL,
    data_zone="restricted",
)
BROKEN = Resource(
    id="X01",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("X01", 1),
    slot_minutes=60,
    time_zone=SEOUL,
    in_service=False,
)

LENS = Resource(
    id="L01",
    kind=Kind.EQUIPMENT,
    unit=Unit.SEAT,
    nodes=seats("L01", 3),
    slot_minutes=60,
    time_zone=SEOUL,
    training_required=True,
    no_show_grace_minutes=15,
    free_cancel_hours=24,
)
JUDGED = replace(
    CPU,
    id="B24",
    nodes=nodes("B24", ("R9", "F9", "Z-A")),
    approval="committee",
    approval_hours=24,
    approval_voters=3,
    approval_quorum=2,
    human_subjects=True,
)

RESOURCES = (
    *(A100, H100, CPU, OPERATORS, M03, M01, cabin("M05"), cabin("M06"), track("T1"), track("T2")),
    *(NIGHT_LAB, CLOCK_ROUND, RESTRICTED, BROKEN, LENS, JUDGED),
)


def company(name: str, **terms: object) -> Company:
    """A company with an agreement for the year."""
    usual = {
        "display_name": name.title(),
        "agreement_start": at("2026-01-01 00:00"),
        "agreement_end": at("2027-01-01 00:00"),
        "horizon_days": 60,
    }
    return Company(id=name, **(usual | terms))  # type: ignore[arg-type]  # The terms of one test each.


def qualification(name: str, resource: str = "L01", days: int = 30) -> Qualification:
    """A training for some days from now."""
    return Qualification(company=name, resource=resource, start=NOW, end=NOW + days * DAY)


def quota(name: str, meter: str, month: int, hours: float, at_once: int = 0) -> Quota:
    """Unit-hours of a meter for one month of 2026."""
    return Quota(
        company=name,
        meter=meter,
        start=at(f"2026-{month:02}-01 00:00"),
        end=at(f"2026-{month + 1:02}-01 00:00"),
        unit_seconds=int(hours * HOUR),
        concurrent_units_max=at_once,
    )


ALPHA = company("ALPHA", certified=True)
BETA = company("BETA")
COMPANIES = (ALPHA, BETA, company("GAMMA"))
QUOTAS = (
    *(quota("ALPHA", meter, month, 10_000) for meter in (EQUIPMENT_METER, "h100") for month in (3, 4, 5, 6, 7)),
    *(quota("GAMMA", "h100", month, 100, at_once=16) for month in (3, 4)),
    *(quota("GAMMA", EQUIPMENT_METER, month, 40, at_once=2) for month in (3, 4)),
)


def fresh() -> Scenario:
    """The whole centre, with nothing booked."""
    return Scenario.of(*RESOURCES, *COMPANIES, *QUOTAS, now=NOW)
