"""What a piece of equipment cannot run without comes along with it, together or not at all."""

from msgspec.structs import replace

from services.allocation.commands import RegisterResource
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation
from services.allocation.resources import Companion, Resource
from tests.allocation import fixture
from tests.allocation.fixture import FRIDAY, MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

NINE = TUESDAY + 9 * HOUR


def units(reservation: Reservation) -> dict[str, int]:
    """Units held, by resource."""
    held: dict[str, int] = {}
    for allocation in reservation.allocations:
        held[allocation.resource] = held.get(allocation.resource, 0) + allocation.units
    return held


def test_a_simulator_brings_server_gpus_and_operators() -> None:
    """One line for the simulator holds everything that it needs, for its slots."""
    reservation = fixture.fresh().books(book("ALPHA", line("M01"), start=NINE, hours=4))
    assert units(reservation) == {"M01": 1, "M03": 1, "a100": 8000, "OP": 2}
    assert {each.companion_of for each in reservation.allocations} == {"", "M01"}


def test_only_the_equipment_pays() -> None:
    """Companions are on no meter: whoever brought them has paid."""
    reservation = fixture.fresh().books(book("ALPHA", line("M01"), start=NINE, hours=4))
    assert {each.resource: each.meter for each in reservation.allocations} == {
        "M01": "equipment",
        "M03": "",
        "a100": "",
        "OP": "",
    }


def test_one_missing_companion_refuses_all() -> None:
    """Without enough operators the simulator is refused, and its GPUs stay free."""
    scenario = fixture.fresh().given(book("BETA", line("OP", 3), start=NINE + HOUR, hours=1))
    assert scenario.refuses(book("ALPHA", line("M01"), start=NINE, hours=4)) == [Reason.NO_CAPACITY]
    assert int(scenario.centre.pools["a100"].calendar.total.max()) == 0


def test_operators_must_be_on_duty() -> None:
    """Equipment that never closes cannot be booked when the people it needs have gone home."""
    lab = replace(fixture.CLOCK_ROUND, id="LAB", companions=(Companion(resource="OP", units=1),))
    scenario = fixture.fresh().given(RegisterResource(resource=lab))
    assert scenario.refuses(book("ALPHA", line("LAB"), start=TUESDAY + 17 * HOUR, hours=2)) == [
        Reason.OUTSIDE_OPENING_HOURS
    ]
    scenario.books(book("ALPHA", line("LAB"), start=TUESDAY + 16 * HOUR, hours=2))


def test_a_booking_over_days_holds_slots_only() -> None:
    """Nights, breaks and closed days between the slots belong to others, for the companions too."""
    reservation = fixture.fresh().books(
        book("ALPHA", line("M01"), start=at("2026-03-04 14:00"), end=at("2026-03-06 13:00"))
    )
    spans = ((at("2026-03-04 14:00"), at("2026-03-04 18:00")), (at("2026-03-06 09:00"), at("2026-03-06 13:00")))
    assert {allocation.spans for allocation in reservation.allocations} == {spans}


def test_breaks_and_nights_stay_bookable() -> None:
    """Another company may use the GPUs while the simulator sleeps."""
    scenario = fixture.fresh().given(book("ALPHA", line("M01"), start=NINE, end=TUESDAY + 37 * HOUR))
    for start, hours in ((TUESDAY + 13 * HOUR, 1), (TUESDAY + 18 * HOUR, 15)):
        scenario.books(book("BETA", line("a100", 48_000), start=start, hours=hours))
    assert scenario.refuses(book("BETA", line("a100", 48_000), start=TUESDAY + 12 * HOUR, hours=1)) == [
        Reason.NO_CAPACITY
    ]


def test_a_named_companion_is_the_companion() -> None:
    """Naming the GPUs that the simulator brings anyway does not double them."""
    reservation = fixture.fresh().books(book("ALPHA", line("M01"), line("a100", 8000), start=NINE, hours=4))
    assert units(reservation) == {"M01": 1, "M03": 1, "a100": 8000, "OP": 2}


def test_what_is_named_beyond_the_need_is_granted_as_well() -> None:
    """A line that asks for more than the equipment needs gets the rest on its own account."""
    reservation = fixture.fresh().books(book("ALPHA", line("M01"), line("a100", 12_000), start=NINE, hours=4))
    assert units(reservation)["a100"] == 12_000
    assert sorted((each.units, each.companion_of) for each in reservation.allocations if each.resource == "a100") == [
        (4000, ""),
        (8000, "M01"),
    ]


def test_equipment_beyond_the_need_brings_its_own_companions() -> None:
    """Server seats that nobody else brought need their GPUs, like any others."""
    reservation = fixture.fresh().books(book("ALPHA", line("M01"), line("M03", 3), start=NINE, hours=4))
    assert units(reservation) == {"M01": 1, "M03": 3, "a100": 8000 + 2 * 1000, "OP": 2}


def test_nothing_that_was_named_is_lost() -> None:
    """Every line gets at least the units that it asks for, however the lines need one another."""
    reservation = fixture.fresh().books(
        book("ALPHA", line("M01"), line("M03", 1), line("a100", 9000), start=NINE, hours=4)
    )
    assert units(reservation)["a100"] == 9000


def test_a_need_that_no_node_has_is_refused_lawfully() -> None:
    """Three seats that need half a GPU each make a shape that does not exist: a no, not an accident."""
    desk = replace(fixture.CLOCK_ROUND, id="DESK", nodes=fixture.seats("DESK", 3))
    desk = replace(desk, companions=(Companion(resource="a100", units=500),))
    scenario = fixture.fresh().given(RegisterResource(resource=desk))
    scenario.books(book("ALPHA", line("DESK", 2), start=NINE, hours=1))
    assert scenario.refuses(book("ALPHA", line("DESK", 3), start=NINE + DAY, hours=1)) == [Reason.INVALID_UNITS]


def share_pool() -> tuple[Resource, Resource]:
    """Two shared accelerators, and a rig that needs one whole."""
    pool = replace(fixture.A100, id="g", nodes=fixture.nodes("g", ("", "", ""), ("", "", "")), bins_per_node=1)
    rig = replace(fixture.CLOCK_ROUND, id="RIG", companions=(Companion(resource="g", units=1000),))
    return replace(pool, units_min=100, units_step=100), rig


def test_a_second_line_sees_what_the_first_one_moved() -> None:
    """P1: after the first line of a demand made room by moving others, the second stands beside them, not on them."""
    scenario = Scenario.of(fixture.H100, *share_pool(), *fixture.COMPANIES, *fixture.QUOTAS, now=NOW)
    first = scenario.books(book("BETA", line("g", 600), start=NINE, hours=4))
    scenario.given(
        book("BETA", line("g", 500), start=NINE, hours=4),
        book("BETA", line("g", 400), start=NINE, hours=4),
    )
    scenario.cancels(first)
    assert scenario.refuses(book("ALPHA", line("RIG"), line("g", 1500), start=NINE, hours=4)) == [Reason.NO_CAPACITY]
    reservation = scenario.books(book("ALPHA", line("RIG"), line("g", 1100), start=NINE, hours=4))
    assert units(reservation) == {"RIG": 1, "g": 1100}


def test_cabins_come_only_with_the_simulator() -> None:
    """An accessory is booked beside its equipment, and then costs no quota of its own."""
    scenario = fixture.fresh()
    assert scenario.refuses(book("ALPHA", line("M05"), start=NINE, hours=4)) == [Reason.COMPANION_MISSING]
    reservation = scenario.books(book("ALPHA", line("M01"), line("M05"), start=NINE, hours=4))
    assert [each.meter for each in reservation.allocations if each.resource == "M05"] == [""]


def test_the_same_question_has_the_same_answer() -> None:
    """The order of a demand's allocations follows from the demand alone, in every process."""
    wish = book("ALPHA", line("M03", 3), line("a100", 16_000), line("OP", 3), line("M01"), start=NINE, hours=4)
    orders = [
        [(each.resource, each.units, each.companion_of) for each in fixture.fresh().books(wish).allocations]
        for _ in range(2)
    ]
    assert orders[0] == orders[1]
    assert [name for name, _, companion_of in orders[0] if not companion_of] == ["M01", "M03", "OP", "a100"]


def test_a_closed_day_of_the_operators_does_not_matter_while_the_simulator_rests() -> None:
    """Only the slots that are held need people."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("M01"), start=FRIDAY + 14 * HOUR, end=FRIDAY + 3 * DAY + 13 * HOUR))
    assert scenario.now == MONDAY + 8 * HOUR
