"""Outages: what is out cannot be held, and everybody who stood on it is put elsewhere or told what is lost."""

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import DeclareOutage, LiftOutage, Tick
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.decide import decide
from services.allocation.disruption.clearing import RESERVATIONS_MAX
from services.allocation.prices.flows import flows
from services.allocation.prices.periods import Periods
from services.allocation.rejections import Reason
from services.allocation.reservations import Colocation, Reservation, State
from services.allocation.values.outage import OutageKind, Scope
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, grids_of, line, outage

NODE_0, NODE_1 = (Scope(resource="h100", nodes=(f"h100-{number}",)) for number in (0, 1))
FAILURE = OutageKind.FAILURE
ALPHAS_EQUIPMENT = fixture.quota("ALPHA", EQUIPMENT_METER, 3, 10_000)
NOON = MONDAY + 12 * HOUR


def standing(scenario: Scenario, reservation: Reservation) -> set[int]:
    """The bins that a reservation stands on now."""
    return {index for each in scenario.current(reservation).allocations for index in each.bins}


def test_what_is_out_cannot_be_booked_and_says_why() -> None:
    """A closed node is refused with the outage's name and end, and the others are still to be had."""
    scenario = fixture.fresh()
    scenario.declares(outage("hall-2", NODE_0, NODE_1, start=NOON, end=NOON + 6 * HOUR))
    scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=1))
    refusal = scenario.refusal(book("ALPHA", line("h100", 8), start=NOON, hours=1))
    assert refusal.reason is Reason.MAINTENANCE
    for told in ("hall-2", "maintenance", "works", "2026-03-02 18:00 KST", "16 GPUs"):
        assert told in str(refusal)
    scenario.books(book("ALPHA", line("h100", 32), start=NOON + 6 * HOUR, hours=1))


def test_a_zone_a_rack_and_a_room_take_out_what_stands_there() -> None:
    """Places name nodes of every resource that has some there; a room takes whole equipment."""
    room = replace(fixture.CLOCK_ROUND, id="lab", attributes={"room": "B1"})
    scenario = Scenario.of(fixture.H100, fixture.A100, room, now=NOW)
    made = scenario.declares(outage("works", Scope(zone="Z-B"), Scope(rack="R1"), Scope(room="B1"), start=NOON))
    assert [(taken.resource, taken.nodes) for taken in made.taken] == [
        ("h100", (2, 3)),
        ("a100", (0, 1, 4, 5)),
        ("lab", (0, 1)),
    ]


def test_people_who_are_off_are_those_that_nobody_needs() -> None:
    """So many operators of a pool means the ones with the least to do, and nobody is disturbed for it."""
    scenario = fixture.fresh()
    busy = scenario.books(book("ALPHA", line("OP", 2), start=TUESDAY + 10 * HOUR, hours=1))
    scenario.declares(outage("flu", Scope(resource="OP", count=2), start=TUESDAY, end=TUESDAY + DAY))
    assert scenario.fates("flu") == {}
    assert scenario.current(busy) == busy
    assert scenario.refuses(book("BETA", line("OP", 1), start=TUESDAY + 10 * HOUR, hours=1)) == [Reason.MAINTENANCE]


def test_who_has_not_begun_keeps_the_slots_on_other_units() -> None:
    """A planned outage moves a booking to free nodes: same times, same units, nothing posted."""
    scenario = fixture.fresh()
    booked = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    out = tuple(f"h100-{index}" for index in standing(scenario, booked))
    scenario.declares(outage("works", Scope(resource="h100", nodes=out), start=NOON, end=NOON + HOUR))
    after = scenario.current(booked)
    assert scenario.fates("works") == {booked.id: "moved"}
    assert (after.state, after.start, after.end, after.outage) == (State.CONFIRMED, booked.start, booked.end, "works")
    assert not standing(scenario, booked) & {index for each in booked.allocations for index in each.bins}
    assert flows(booked, after, Periods()) == []


def test_others_that_wait_make_room() -> None:
    """Where only the arrangement is in the way, somebody else's booking moves too, and nobody is displaced."""
    scenario = fixture.fresh()
    rack = scenario.books(book("ALPHA", line("a100", 16_000, near=Colocation.RACK), start=NOON, hours=1))
    rows = {index // 16 for index in standing(scenario, rack)}
    assert len(rows) == 1
    others = [scenario.books(book("BETA", line("a100", 8_000), start=NOON, hours=1)) for _ in range(2)]
    scenario.declares(outage("rack", Scope(rack=f"R{rows.pop() + 1}"), start=NOON, end=NOON + HOUR))
    assert scenario.fates("rack")[rack.id] == "moved"
    assert all(scenario.current(each).state is State.CONFIRMED for each in (rack, *others))


def test_who_finds_no_other_units_is_displaced_and_gets_all_of_it_back() -> None:
    """The newest claim loses: its quota is free again, and the flow says that nothing was used."""
    scenario = fixture.fresh()
    first, second = (scenario.books(book("GAMMA", line("h100", 8), start=NOON, hours=5)) for _ in range(2))
    scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=5))
    nodes = tuple(f"h100-{index}" for index in standing(scenario, first) | standing(scenario, second))
    before = scenario.centre.meters["GAMMA", "h100"].periods[0].booked
    scenario.declares(outage("works", Scope(resource="h100", nodes=nodes[:2]), start=NOON, end=NOON + HOUR))
    lost = scenario.current(second)
    assert scenario.fates("works") == {first.id: "displaced", second.id: "displaced"}
    assert (lost.state, lost.start, lost.end, lost.holding) == (State.DISPLACED, second.start, second.end, ())
    assert scenario.centre.meters["GAMMA", "h100"].periods[0].booked == before - 2 * 8 * 5 * HOUR
    [flow] = flows(second, lost, Periods())
    assert (flow.used, flow.released) == (0, 8 * 5 * HOUR)


def test_the_oldest_claim_is_kept_when_not_all_can_be() -> None:
    """One free node and two in the way: the one granted first moves, the other is displaced."""
    scenario = fixture.fresh()
    first, second = (scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=5)) for _ in range(2))
    scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=5))
    nodes = tuple(f"h100-{index}" for index in standing(scenario, first) | standing(scenario, second))
    scenario.declares(outage("works", Scope(resource="h100", nodes=nodes), start=NOON + HOUR, end=NOON + 2 * HOUR))
    assert scenario.fates("works") == {first.id: "moved", second.id: "displaced"}


def test_a_failure_moves_what_runs_from_its_beginning_on() -> None:
    """A running booking goes on elsewhere: what lies before stays where it was used, and the company pays the same."""
    scenario = fixture.fresh()
    running = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=4))
    scenario.reaches(NOON + 5000)
    scenario.declares(outage("dead", NODE_0, kind=FAILURE))
    after = scenario.current(running)
    cut = NOON + 4980  # The minute that runs.
    assert (after.state, after.outage) == (State.ACTIVE, "dead")
    assert [(each.bins, each.spans) for each in after.allocations] == [
        ((0,), ((NOON, cut),)),
        ((1,), ((cut, NOON + 4 * HOUR),)),
    ]
    assert flows(scenario.current(running), after, Periods()) == []
    done = scenario.reaches(NOON + 4 * HOUR).current(running)
    assert (done.state, sum(each.unit_seconds for each in done.holding)) == (State.COMPLETED, 8 * 4 * HOUR)


def test_a_failure_without_other_units_displaces_what_runs() -> None:
    """What was used until the failure stays used; the rest is given back."""
    scenario = fixture.fresh()
    running = scenario.books(book("ALPHA", line("h100", 32), start=NOON, hours=4))
    scenario.reaches(NOON + HOUR)
    active = scenario.current(running)
    scenario.declares(outage("dead", NODE_0, kind=FAILURE))
    lost = scenario.current(running)
    assert (lost.state, lost.end) == (State.DISPLACED, NOON + HOUR)
    [flow] = flows(active, lost, Periods())
    assert (flow.used, flow.released) == (32 * HOUR, 32 * 3 * HOUR)


def test_what_runs_ends_when_planned_work_begins() -> None:
    """Units in use are bound: they are used until the outage begins, and the rest is given back at once."""
    scenario = fixture.fresh()
    running = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=6))
    scenario.reaches(NOON + HOUR)
    scenario.declares(outage("works", NODE_0, start=NOON + 2 * HOUR, end=NOON + 3 * HOUR))
    curtailed = scenario.current(running)
    assert scenario.fates("works") == {running.id: "curtailed"}
    assert (curtailed.state, curtailed.end) == (State.ACTIVE, NOON + 2 * HOUR)
    done = scenario.reaches(NOON + 2 * HOUR).current(running)
    assert (done.state, sum(each.unit_seconds for each in done.holding)) == (State.COMPLETED, 8 * 2 * HOUR)


def test_planned_work_that_begins_now_displaces_what_runs() -> None:
    """Only a failure moves what runs; other outages end it."""
    scenario = fixture.fresh()
    running = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=6))
    scenario.reaches(NOON + HOUR)
    scenario.declares(outage("works", NODE_0))
    assert scenario.fates("works") == {running.id: "displaced"}


def test_a_booking_is_displaced_whole() -> None:
    """A demand was granted together: without its operators the simulator, its server and its GPUs are free too."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("M01"), start=TUESDAY + 9 * HOUR, hours=4))
    scenario.declares(outage("strike", Scope(resource="OP", count=3), start=TUESDAY, end=TUESDAY + DAY))
    assert list(scenario.fates("strike").values()) == ["displaced"]
    for name in ("M01", "M03", "a100", "OP"):
        assert int(scenario.centre.pools[name].calendar.total.max()) == 0


def test_what_begins_this_very_moment_is_dealt_with_once_it_runs() -> None:
    """A booking whose start no tick has told yet is bound already: the tick lets it start, then clears the way."""
    scenario = fixture.fresh()
    booked = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2))
    scenario.now = NOON + 60
    scenario.declares(outage("dead", NODE_0, kind=FAILURE))
    assert scenario.centre.outages.stranded == {booked.id}
    assert scenario.centre.next_due() == NOON + 60
    after = scenario.reaches(NOON + 61).current(booked)
    assert (after.state, after.outage) == (State.ACTIVE, "dead")
    assert scenario.centre.outages.stranded == set()


def test_more_than_one_page_goes_on_by_tick_and_nobody_books_meanwhile() -> None:
    """Beyond what one decision holds, ticks go on until nobody stands in the way; what is out stays out throughout."""
    small = replace(fixture.CLOCK_ROUND, id="seats", nodes=fixture.seats("seats", 400), slot_minutes=60)
    scenario = Scenario.of(small, fixture.ALPHA, ALPHAS_EQUIPMENT, now=NOW)
    booked = [scenario.books(book("ALPHA", line("seats"), start=NOON, hours=1)) for _ in range(RESERVATIONS_MAX + 30)]
    scenario.declares(outage("closed", Scope(resource="seats"), start=NOON, kind=OutageKind.CLOSURE))
    assert len(scenario.fates("closed")) == RESERVATIONS_MAX
    assert scenario.refuses(book("ALPHA", line("seats"), start=NOON, hours=1)) == [Reason.MAINTENANCE]
    restored = scenario.restored()
    assert restored.outages.stranded == scenario.centre.outages.stranded
    assert image.digest(restored) == image.digest(scenario.centre)
    assert len(decide(scenario.centre, Tick(), scenario.now)) == 30
    assert decide(restored, Tick(), scenario.now) == decide(scenario.centre, Tick(), scenario.now)
    scenario.reaches(NOW + 1)
    assert scenario.fates("closed") == {each.id: "displaced" for each in booked}


def test_lifting_gives_the_units_back_from_now_on() -> None:
    """The rest of an outage is bookable again at once; what was displaced stays so, and the etag guards the lift."""
    scenario = fixture.fresh()
    made = scenario.declares(outage("works", Scope(resource="h100"), start=NOON))
    assert scenario.refuses(book("ALPHA", line("h100", 8), start=TUESDAY, hours=1)) == [Reason.MAINTENANCE]
    assert scenario.lifts("works", made.etag).lifted_at == NOW
    scenario.books(book("ALPHA", line("h100", 32), start=NOON, hours=48))
    assert grids_of(scenario.restored(), NOW) == grids_of(scenario.centre, NOW)


def test_a_lift_spares_whom_no_page_has_dealt_with_yet() -> None:
    """Whoever still stood on what was out keeps it."""
    scenario = fixture.fresh()
    booked = scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=2))
    scenario.now = NOON + 60
    scenario.declares(outage("dead", NODE_0, kind=FAILURE))
    scenario.lifts("dead")
    after = scenario.reaches(NOON + 120).current(booked)
    assert (after.state, after.allocations) == (State.ACTIVE, booked.allocations)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (outage("x"), "names 1 to"),
        (outage("x", Scope(resource="nothing")), "no resource"),
        (outage("x", Scope(resource="h100", nodes=("h100-9",))), "has no h100-9"),
        (outage("x", Scope(resource="h100", count=5)), "not 5"),
        (outage("x", Scope(resource="h100", nodes=("h100-0",), count=1)), "choose one"),
        (outage("x", Scope(zone="Z-Z")), "nothing stands"),
        (outage("x", Scope(zone="Z-A", rack="R1")), "a rack, a zone or a room"),
        (outage("x", Scope(zone="Z-A", count=2)), "without their resource"),
        (outage("x", NODE_0, start=NOW - HOUR), "cannot be undone"),
        (outage("x", NODE_0, start=NOON, end=NOON), "end after it starts"),
        (outage("x", NODE_0, start=NOON + 30), "full minute"),
        (outage("x", NODE_0, start=NOON, lead_in_hours=1000), "lead-in"),
    ],
)
def test_an_outage_that_makes_no_sense_is_refused(wish: DeclareOutage, told: str) -> None:
    """Everything that is wrong with it is said, and nothing changes."""
    refusal = fixture.fresh().refusal(wish)
    assert refusal.reason is Reason.INVALID_OUTAGE
    assert told in str(refusal)


def test_an_outage_is_declared_once_and_lifted_once() -> None:
    """A name stands for one outage; a missing, changed or finished one cannot be lifted."""
    scenario = fixture.fresh().given(outage("works", NODE_0, start=NOON, end=NOON + HOUR))
    assert scenario.refuses(outage("works", NODE_1)) == [Reason.ALREADY_EXISTS]
    assert scenario.refuses(LiftOutage(outage_id="none")) == [Reason.OUTAGE_NOT_FOUND]
    assert scenario.refuses(LiftOutage(outage_id="works", etag='"7"')) == [Reason.STALE_ETAG]
    lifted = scenario.lifts("works", '"1"')
    assert (lifted.version, lifted.etag) == (2, '"2"')
    assert scenario.refuses(LiftOutage(outage_id="works")) == [Reason.WRONG_STATE]


def test_units_drain_before_planned_work() -> None:
    """Within the lead-in nothing new starts on the units, though what started before may run up to the outage."""
    scenario = fixture.fresh()
    scenario.declares(outage("works", Scope(resource="h100"), start=NOON, end=NOON + HOUR, lead_in_hours=3))
    refusal = scenario.refusal(book("ALPHA", line("h100", 8), start=NOON - 2 * HOUR, hours=1))
    assert refusal.reason is Reason.MAINTENANCE
    assert "outage works (maintenance: works) begins at 2026-03-02 12:00 KST" in str(refusal)
    scenario.declares(outage("later", Scope(resource="cpu"), start=NOON + 6 * HOUR, lead_in_hours=2))
    scenario.books(book("ALPHA", line("cpu", 8), start=NOON + 3 * HOUR, end=NOON + 6 * HOUR))
    assert scenario.refuses(book("ALPHA", line("cpu", 8), start=NOON + 4 * HOUR, hours=1)) == [Reason.MAINTENANCE]
    offered = scenario.offers("ALPHA", line("h100", 8), hours=1, earliest=NOON - 2 * HOUR, count=1)
    assert offered.intervals[0][0] == NOON + HOUR
