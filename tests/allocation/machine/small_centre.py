"""The centre that the machine plays in: small, so that everything soon stands in everybody's way."""

from itertools import pairwise

from msgspec.structs import replace

from services.allocation.rejections import OVERRIDABLE, Reason
from services.allocation.resources import BatchLimits, Companion, Resource
from services.allocation.values.terms import ArrearsRule, ReclaimRow, ReclaimRule, StrikeRule, Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import at

GPUS = replace(fixture.A100, id="gpus", nodes=fixture.A100.nodes[1:4], bins_per_node=2, units_min=250, units_step=250)
GPUS = replace(GPUS, batch=BatchLimits(reservations_max=4, long_hours=5, long_at_once_max=1))
NODES = replace(fixture.H100, id="nodes", nodes=fixture.H100.nodes[:3])
STAFF = replace(fixture.OPERATORS, id="staff", nodes=fixture.seats("staff", 2))
SEATS = replace(
    fixture.CLOCK_ROUND,
    id="seats",
    slot_minutes=30,
    nodes=(
        *fixture.seats("seats", 3)[:1],
        replace(fixture.seats("seats", 3)[1], valid_from=at("2026-03-04 14:00")),
        replace(fixture.seats("seats", 3)[2], valid_until=at("2026-03-05 16:00")),
    ),
    no_show_grace_minutes=40,
    free_cancel_hours=2,
)
RIG = replace(
    fixture.M01,
    id="rig",
    notice_hours=2,
    horizon_days=8,
    slots_max=3,
    approval="committee",
    approval_hours=20,
    approval_voters=3,
    approval_quorum=2,
    companions=(
        Companion(resource="seats", units=1),
        Companion(resource="gpus", units=2000),
        Companion(resource="staff", units=1),
    ),
)
LAB = replace(
    fixture.CLOCK_ROUND, id="lab", slot_minutes=60, companions=(Companion(resource="staff", units=1, edges=True),)
)
FAST = replace(fixture.track("fast"), slot_minutes=30, changeover_minutes=30)
SLOW = replace(fixture.track("slow"), slot_minutes=60, changeover_minutes=60, approval="manager", approval_hours=5)
SLOW = replace(SLOW, companions=(Companion(resource="staff", units=1, optional=True),))
PAIR = replace(fixture.CLOCK_ROUND, id="pair", slot_minutes=60, approval="manager", approval_hours=10)
PAIR = replace(PAIR, nodes=fixture.seats("pair", 2))
VOTERS = ("operators/kim", "operators/lee", "operators/park")
RESOURCES: tuple[Resource, ...] = (GPUS, NODES, STAFF, SEATS, RIG, LAB, FAST, SLOW, PAIR)

COMPANIES = (
    fixture.company("RICH", horizon_days=9, programme="resident"),
    fixture.company(
        "POOR",
        programme="resident",
        notice_hours=1,
        reservation_days_max=1,
        agreement_end=at("2026-03-12 00:00"),
        gpus_unapproved=1,
        gpus_max=3,
        gpus_approval_hours=6,
    ),
    fixture.company("NONE", programme="academy"),
)
WEEKS = [at("2026-03-01 00:00"), at("2026-03-05 00:00"), at("2026-03-10 00:00"), at("2026-03-25 00:00")]
QUOTAS = tuple(
    replace(fixture.quota(name, meter, 3, hours, at_once), start=start, end=end)
    for name, hours, at_once in (("RICH", 5000, 0), ("POOR", 60, 2))
    for meter in ("equipment", "nodes")
    for start, end in pairwise(WEEKS)
)
TERMS = Terms(
    effective=NOW,
    strike_rules=(StrikeRule(strikes=2, window_days=1, suspension_days=1),),
    overburn_percent=110,
    misuse_revokes=True,
    arrears=(ArrearsRule(months=1, surcharge_percent=10), ArrearsRule(months=3, surcharge_percent=5, suspends=True)),
    reclaim=ReclaimRule(
        rows=(
            ReclaimRow(at_percent=17, below_percent=60, remove_percent=50),
            ReclaimRow(at_percent=17, below_percent=3, remove_percent=90),
            ReclaimRow(at_percent=18, below_percent=40, remove_percent=30),
            ReclaimRow(at_percent=91, below_percent=50, remove_percent=60),
        ),
        notice_days=1,
        exemption_days=1,
        to_reserve=True,
    ),
)
SIZES = {"gpus": (250, 500, 750, 1000, 1000, 2000, 3000, 4000, 6000), "nodes": (8, 16, 24, 32), "rig": (1, 1, 1, 1)}
POLICY = tuple(sorted(OVERRIDABLE - {Reason.CLOSED_DAY, Reason.OUTSIDE_OPENING_HOURS}))

LOOSE = (Reason.NO_PLACEMENT,)
"""How units would have to stand is for the placement tests; here it may refuse what is not made of identical bins."""
