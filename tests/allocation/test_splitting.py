"""A reservation is split in two of the same company: no unit moves, nothing is had anew, and nothing is given back."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.booking.transferring import offer_of
from services.allocation.commands import (
    AcceptTransfer,
    OfferTransfer,
    PublishTariff,
    SplitReservation,
)
from services.allocation.events import ReservationChanged, ReservationConfirmed
from services.allocation.money.costing import cost_of, price_of
from services.allocation.money.quoting import cancellation_quote
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Allocation, Line, Overburn, Reservation, State
from services.allocation.resources import BatchLimits, Companion
from services.allocation.values.people import Participants
from services.allocation.values.tariff import Discount, Peak, Price, Tariff
from tests.allocation import approving, fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW, TARIFF, TUESDAY
from tests.allocation.scenario import HOUR, Scenario, at, book, grids_of, line
from tests.allocation.test_series import booked, daily

NOON = TUESDAY + 12 * HOUR
NEAR_APRIL = at("2026-03-28 12:00")


def splitting(whole: Reservation, *lines: Line, at: int | None = None, part: str = "part") -> SplitReservation:
    """A wish that these lines, or all from a time on, be a reservation of their own."""
    return SplitReservation(reservation_id=whole.id, company=whole.company, part_id=part, at=at, lines=lines)


def split(scenario: Scenario, wish: SplitReservation) -> tuple[Reservation, Reservation]:
    """The wish is granted; gives what stays and what left."""
    part = scenario.grants(wish)
    assert isinstance(part, Reservation)
    return scenario.centre.reservations[wish.reservation_id], part


def standing(*reservations: Reservation) -> Counter[tuple[str, str, int, int]]:
    """Units of each bin in each half-hour, by what brought them."""
    held: Counter[tuple[str, str, int, int]] = Counter()
    for each in (allocation for reservation in reservations for allocation in reservation.allocations):
        for cell in cells(each):
            for index, amount in zip(each.bins, each.amounts, strict=True):
                held[each.resource, each.companion_of, index, cell] += amount
    return held


def cells(allocation: Allocation) -> Iterable[int]:
    """The half-hours for which something is held."""
    return (cell for start, end in allocation.spans for cell in range(start, end, HOUR // 2))


def charged(scenario: Scenario) -> dict[tuple[str, str], int]:
    """Unit-seconds on each meter."""
    return {key: sum(period.booked for period in meter.periods) for key, meter in scenario.centre.meters.items()}


def test_from_a_time_on_it_is_another_reservation() -> None:
    """Both are confirmed and of the same company; the very units, the quota and the calendars stay as they were."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=6, note="for us"))
    grids, booked_before = grids_of(scenario.centre, NOW), charged(scenario)
    rest, part = split(scenario, splitting(whole, at=NOON + 2 * HOUR))
    assert (rest.start, rest.end, part.start, part.end) == (NOON, NOON + 2 * HOUR, NOON + 2 * HOUR, NOON + 6 * HOUR)
    assert rest.lines == part.lines == whole.lines
    assert (part.company, part.state, part.note) == ("ALPHA", State.CONFIRMED, "for us")
    assert standing(rest, part) == standing(whole)
    assert (grids_of(scenario.centre, NOW), charged(scenario)) == (grids, booked_before)
    assert grids_of(scenario.restored(), NOW) == grids_of(scenario.replayed(), NOW) == grids
    after = scenario.reaches(NOON + 2 * HOUR)
    assert (after.current(rest).state, after.current(part).state) == (State.COMPLETED, State.ACTIVE)


def test_some_units_are_another_reservation() -> None:
    """What leaves is named by its units; each part stands on servers of the whole, in the same shape."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("h100", 24, each=8), start=NOON, hours=2))
    booked_before = charged(scenario)
    rest, part = split(scenario, splitting(whole, line("h100", 8)))
    assert (rest.lines, part.lines) == ((line("h100", 16, each=8),), (line("h100", 8, each=8),))
    assert (rest.start, rest.end) == (part.start, part.end) == (whole.start, whole.end)
    assert standing(rest, part) == standing(whole)
    assert charged(scenario) == booked_before


def test_one_decision_says_both() -> None:
    """The part is confirmed in the decision that takes it from the whole, and names it: nobody comes in between."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    changed, confirmed = scenario.decided(splitting(whole, line("h100", 8)))
    assert isinstance(changed, ReservationChanged)
    assert isinstance(confirmed, ReservationConfirmed)
    assert (changed.parted, confirmed.reservation_id) == ("part", "part")
    assert confirmed.origin is not None
    assert (confirmed.origin.of, confirmed.origin.first, confirmed.booked_at) == (whole.id, whole.id, NOW)


def test_a_part_is_split_again() -> None:
    """A part of a part still names the booking that was made, and counts its lateness from where that began."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=6))
    _, part = split(scenario, splitting(whole, at=NOON + 2 * HOUR))
    _, last = split(scenario, splitting(part, at=NOON + 3 * HOUR, part="last"))
    assert last.origin is not None
    assert (last.origin.of, last.origin.first, last.late_from) == (part.id, whole.id, NOON)


def test_equipment_leaves_with_what_it_brings() -> None:
    """The simulator goes with its seats, GPUs and operators; what was booked beside it stays."""
    scenario = fixture.fresh()
    start = at("2026-03-04 09:00")
    whole = scenario.books(book("ALPHA", line("M01"), line("h100", 8), start=start, hours=4))
    rest, part = split(scenario, splitting(whole, line("M01")))
    assert [each.resource for each in rest.allocations] == ["h100"]
    assert {each.resource for each in part.allocations} == {"M01", "M03", "a100", "OP"}
    assert standing(rest, part) == standing(whole)


def test_equipment_is_split_between_its_slots() -> None:
    """Each part begins and ends with a slot, and has the operators of its own time; the break is in neither."""
    scenario = fixture.fresh()
    start, end = at("2026-03-04 09:00"), at("2026-03-04 18:00")
    whole = scenario.books(book("ALPHA", line("M01"), line("M05"), start=start, end=end))
    assert scenario.refuses(splitting(whole, at=start + 2 * HOUR))[0] is Reason.OFF_GRID
    rest, part = split(scenario, splitting(whole, at=at("2026-03-04 13:30")))
    assert (rest.end, part.start) == (at("2026-03-04 13:00"), at("2026-03-04 14:00"))
    assert standing(rest, part) == standing(whole)


@pytest.mark.parametrize(
    ("lines", "asked", "at", "reasons"),
    [
        ((line("h100", 16),), (), NOON, [Reason.INVALID_INTERVAL]),
        ((line("h100", 16),), (), NOON + 4 * HOUR, [Reason.INVALID_INTERVAL]),
        ((line("h100", 16),), (), NOON + HOUR // 2, [Reason.OFF_GRID, Reason.OFF_GRID]),
        ((line("h100", 16),), (), None, [Reason.INVALID_LINES]),
        ((line("h100", 16),), (line("cpu", 1),), None, [Reason.INVALID_LINES]),
        ((line("h100", 16),), (line("h100", 16),), None, [Reason.INVALID_LINES]),
        ((line("h100", 16),), (line("h100", 8), line("h100", 8)), None, [Reason.INVALID_LINES]),
        ((line("h100", 16),), (line("h100", 24),), None, [Reason.INVALID_UNITS]),
        ((line("h100", 16),), (line("h100", 4),), None, [Reason.INVALID_UNITS, Reason.INVALID_UNITS]),
        ((line("h100", 16, each=8), line("cpu", 2)), (line("cpu", 0),), None, [Reason.INVALID_UNITS]),
        ((line("T1"),), (line("T1"),), None, [Reason.INVALID_LINES]),
    ],
)
def test_what_no_part_can_be_is_refused(
    lines: tuple[Line, ...], asked: tuple[Line, ...], at: int | None, reasons: list[Reason]
) -> None:
    """Off the grid, in other steps, of what it has not, or all of it: nothing is split, and every rule says why."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", *lines, start=NOON, hours=4))
    assert scenario.refuses(splitting(whole, *asked, at=at)) == reasons


def test_what_needs_something_else_does_not_leave_without_it() -> None:
    """A cabin is of no use without the simulator, so neither the one nor the other can leave alone."""
    scenario = fixture.fresh()
    start = at("2026-03-04 09:00")
    whole = scenario.books(book("ALPHA", line("M01"), line("M05"), start=start, hours=4))
    for name in ("M01", "M05"):
        refusal = scenario.refusal(splitting(whole, line(name)))
        assert refusal.reason is Reason.COMPANION_MISSING
        assert "booked only together with M01" in str(refusal)


def test_what_comes_for_the_first_and_the_last_slot_is_not_shared_out() -> None:
    """In two parts somebody would have to come four times, who is booked for two."""
    rig = replace(fixture.CLOCK_ROUND, id="rig", companions=(Companion(resource="OP", units=1, edges=True),))
    scenario = fixture.fresh().also(rig)
    whole = scenario.books(book("ALPHA", line("rig"), start=NOON - HOUR, hours=4))
    refusal = scenario.refusal(splitting(whole, at=NOON + HOUR))
    assert refusal.reason is Reason.COMPANION_MISSING
    assert "rig brings OP along at other times" in str(refusal)


def test_seats_in_an_exclusive_group_are_held_by_one_reservation() -> None:
    """Two reservations never hold a group at once, so seats of one member stay together; hours are split."""
    bench = replace(fixture.track("T3"), nodes=fixture.seats("T3", 2))
    scenario = fixture.fresh().also(bench)
    whole = scenario.books(book("ALPHA", line("T3", 2), start=NOON, hours=4))
    assert scenario.refuses(splitting(whole, line("T3", 1))) == [Reason.EXCLUSIVE_GROUP_BUSY]
    split(scenario, splitting(whole, at=NOON + 2 * HOUR))


def test_what_cannot_leave_is_said_in_whole_gpus() -> None:
    """A pool is booked in thousandths of a GPU, and nobody has to read them."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("a100", 2_000), start=NOON, hours=2))
    told = str(scenario.refusal(splitting(whole, line("a100", 5_000))))
    assert "It has 2 GPUs of a100, and 5 cannot leave." in told


def test_units_that_stand_on_several_servers_leave_in_their_shape() -> None:
    """Twelve GPUs stand on a server and a half: four or eight of them leave, six on one server do not."""
    pool = replace(fixture.H100, id="small", units_min=1, units_step=1, quota_required=False)
    scenario = fixture.fresh().also(pool)
    whole = scenario.books(book("ALPHA", line("small", 12), start=NOON, hours=2))
    refusal = scenario.refusal(splitting(whole, line("small", 6)))
    assert refusal.reason is Reason.INVALID_UNITS
    assert "Split off whole servers" in str(refusal)
    rest, part = split(scenario, splitting(whole, line("small", 4)))
    assert standing(rest, part) == standing(whole)


def test_batch_work_counts_both() -> None:
    """Who may have three reservations of batch work does not have a fourth by splitting one."""
    limits = BatchLimits(reservations_max=3, long_hours=2, long_at_once_max=1)
    scenario = fixture.fresh().also(replace(fixture.CPU, id="batch", batch=limits))
    whole = scenario.books(book("ALPHA", line("batch", 4), start=NOON, hours=6))
    assert scenario.refuses(splitting(whole, line("batch", 1))) == [Reason.CONCURRENCY_EXCEEDED]  # Two long ones.
    rest, part = split(scenario, splitting(whole, at=NOON + 3 * HOUR))
    split(scenario, splitting(rest, at=NOON + HOUR, part="third"))
    assert scenario.refuses(splitting(part, at=NOON + 4 * HOUR, part="fourth")) == [Reason.CONCURRENCY_EXCEEDED]


def test_what_is_not_plainly_booked_is_not_split() -> None:
    """Held, pending, begun, ended, offered to another company, or a class: each is refused, and says what to do."""
    scenario = fixture.fresh().given(PublishTariff(tariff=TARIFF))
    tomorrow = {"start": NOON, "hours": 2}
    held = scenario.books(book("ALPHA", line("h100", 16), **tomorrow, hold=60))
    pending = scenario.books(book("ALPHA", line("B24", 4), **tomorrow))
    offered = scenario.books(book("ALPHA", line("cpu", 4), **tomorrow))
    scenario.grants(OfferTransfer(reservation_id=offered.id, company="ALPHA", to="BETA", seconds=HOUR))
    people = replace(book("ALPHA", line("cpu", 4), **tomorrow), participants=Participants(count=2))
    for each in (held, pending, offered, scenario.books(people)):
        assert scenario.refuses(splitting(each, at=NOON + HOUR)) == [Reason.WRONG_STATE]
    running = scenario.books(book("ALPHA", line("cpu", 4), start=NOW + HOUR, hours=4))
    scenario.reaches(NOW + HOUR)
    assert scenario.refuses(splitting(running, at=NOW + 3 * HOUR)) == [Reason.WRONG_STATE]


def test_another_companys_is_a_missing_one_and_another_version_is_stale() -> None:
    """As for every command about a reservation."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    assert scenario.refuses(replace(splitting(whole, at=NOON + HOUR), company="BETA")) == [Reason.RESERVATION_NOT_FOUND]
    assert scenario.refuses(replace(splitting(whole, at=NOON + HOUR), etag='"9"')) == [Reason.STALE_ETAG]


def test_nothing_new_is_had_so_the_rules_of_having_are_not_asked() -> None:
    """Without notice, quota to spare or standing of its company, what is booked is split as before."""
    scenario = fixture.fresh()
    whole = scenario.books(book("GAMMA", line("h100", 16), start=NOON, hours=6))
    scenario.reaches(NOON - HOUR // 2)
    rest, part = split(scenario, splitting(whole, at=NOON + 2 * HOUR))
    assert (rest.state, part.state) == (State.CONFIRMED, State.CONFIRMED)


def test_an_approval_is_kept_by_both() -> None:
    """What the committee agreed to needs no other vote in two parts."""
    scenario = approving.fresh()
    pending = approving.asked(scenario, "MANAGED")
    whole = scenario.grants(approving.approves(pending, approving.KIM))
    assert isinstance(whole, Reservation)
    assert whole.approval is not None
    rest, part = split(scenario, splitting(whole, at=whole.start + HOUR))
    assert rest.approval == part.approval == whole.approval


def test_an_occurrence_stays_in_its_series() -> None:
    """The part is no occurrence: what becomes of the series does not touch it."""
    scenario = fixture.fresh()
    series = booked(scenario, daily(2, units=4, resource="cpu"))
    name = series.occurrences[0].reservation_id
    rest, part = split(scenario, splitting(scenario.centre.reservations[name], line("cpu", 1)))
    assert (scenario.centre.series.of.get(rest.id), scenario.centre.series.of.get(part.id)) == (series.id, None)


def test_what_lay_beyond_the_quota_is_shared_out() -> None:
    """All of it stands in the two parts together, each with its share."""
    scenario = fixture.fresh()
    wish = book(
        "GAMMA", line("h100", 16), start=NOON, hours=9, override=("QUOTA_EXCEEDED",), because="for the exhibition"
    )
    whole = scenario.books(wish)
    assert whole.overburn == (Overburn(meter="h100", unit_seconds=44 * HOUR),)
    rest, part = split(scenario, splitting(whole, at=NOON + 3 * HOUR))
    assert sum(each.unit_seconds for one in (rest, part) for each in one.overburn) == 44 * HOUR
    assert rest.override == part.override == whole.override
    assert part.overburn[0].unit_seconds == 44 * HOUR * 2 // 3


def test_a_part_keeps_the_rate_card_of_the_whole() -> None:
    """A dearer card published since prices neither, wherever the part is moved, handed over or restored."""
    scenario = fixture.fresh().given(PublishTariff(tariff=TARIFF))
    whole = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=6))
    dearer = replace(TARIFF, id="krw-later", valid_from=NOON + HOUR, prices=(Price(resource="h100", krw=9000),))
    scenario.grants(PublishTariff(tariff=dearer))
    rest, part = split(scenario, splitting(whole, at=NOON + 2 * HOUR))
    assert [cost_of(scenario.centre, each).krw for each in (rest, part)] == [96_000, 192_000]
    part = scenario.changes(part, start=NOON + 3 * HOUR, end=NOON + 7 * HOUR)
    scenario.grants(OfferTransfer(reservation_id=part.id, company="ALPHA", to="GAMMA", seconds=HOUR))
    taken = scenario.grants(AcceptTransfer(reservation_id=part.id, company="ALPHA"))
    assert isinstance(taken, Reservation)
    for centre in (scenario.centre, scenario.restored(), scenario.replayed()):
        assert cost_of(centre, taken).krw == 192_000


def test_begun_shares_are_not_made_dearer() -> None:
    """Two eighths of a GPU that are paid as a half would be paid as two halves: refused, with what it would cost."""
    card = replace(TARIFF, prices=(Price(resource="a100", krw=1000),), share_step=500)
    scenario = fixture.fresh().given(PublishTariff(tariff=card))
    whole = scenario.books(book("ALPHA", line("a100", 250), start=NOON, hours=2))
    refusal = scenario.refusal(splitting(whole, line("a100", 125)))
    assert (refusal.reason, refusal.violations[0].limit, refusal.violations[0].asked) == (
        Reason.INVALID_UNITS,
        1_000,
        2_000,
    )
    assert "would cost 1,000 KRW more" in str(refusal)
    split(scenario, splitting(whole, at=NOON + HOUR))


def test_a_split_dodges_no_late_fee() -> None:
    """What leaves is as late to give back as the whole was; the whole itself is as late as ever."""
    scenario = fixture.fresh().given(PublishTariff(tariff=TARIFF))
    alpha = replace(fixture.ALPHA, id="LATE", attributes={"free_cancel_hours": "24"})
    scenario.also(alpha, fixture.quota("LATE", "h100", 3, 10_000))
    whole = scenario.books(book("LATE", line("h100", 16), start=NOON, hours=48))
    scenario.reaches(NOON - 2 * HOUR)
    _, part = split(scenario, splitting(whole, at=NOON + 40 * HOUR))
    quote = cancellation_quote(scenario.centre, part, scenario.now, excused=False)
    assert (quote.due, quote.fees[0].free_until) == (8 * 16 * 3000, NOON - 24 * HOUR)


def test_another_company_hears_nothing_of_the_whole() -> None:
    """P8: to whom a part is offered, and who takes it over, is not told what it was split off from."""
    scenario = fixture.fresh()
    whole = scenario.books(book("ALPHA", line("cpu", 16), start=NOON, hours=6))
    _, part = split(scenario, splitting(whole, at=NOON + 2 * HOUR))
    shown = offer_of(part)
    scenario.grants(OfferTransfer(reservation_id=part.id, company="ALPHA", to="BETA", seconds=HOUR))
    taken = scenario.grants(AcceptTransfer(reservation_id=part.id, company="ALPHA"))
    assert isinstance(taken, Reservation)
    for each in (shown, taken):
        assert each.origin is not None
        assert (each.origin.of, each.origin.first, each.late_from) == ("", "", NOON)


PEAKS = (
    Peak(weekdays=(0, 1, 2, 3, 4), starts=9 * 60, ends=18 * 60, percent=133),
    Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60 + 30, ends=30 * 60, percent=71),
)


@examples(60)
@given(
    krw=st.integers(1, 5000),
    percent=st.integers(0, 99),
    peaks=st.sampled_from([(), PEAKS]),
    share_step=st.sampled_from([1, 125, 500]),
    units=st.integers(2, 8),
    leaving=st.integers(1, 7),
    hours=st.integers(2, 168),
    cut=st.integers(1, 167),
    by_time=st.booleans(),
    resource=st.sampled_from([("a100", 125), ("cpu", 7)]),
)
def test_the_parts_cost_what_the_whole_did(
    krw: int,
    percent: int,
    peaks: tuple[Peak, ...],
    share_step: int,
    units: int,
    leaving: int,
    hours: int,
    cut: int,
    by_time: bool,
    resource: tuple[str, int],
) -> None:
    """Never a won more; a won less where both parts are rounded down. What shares of a GPU would make dearer is not
    split.
    """
    card = Tariff(
        id="odd",
        valid_from=0,
        prices=(Price(resource="a100", krw=krw), Price(resource="cpu", krw=krw)),
        discounts=(Discount(attribute="stage", value="sme", percent=percent),),
        share_step=share_step,
        peaks=peaks,
    )
    company = replace(fixture.ALPHA, id="SME", attributes={"stage": "sme"})
    scenario, (name, step) = fixture.fresh().also(company).given(PublishTariff(tariff=card)), resource
    whole = scenario.books(book("SME", line(name, step * units), start=NEAR_APRIL, hours=hours))
    before = price_of(scenario.centre, whole)
    assert before is not None
    wish = (
        splitting(whole, at=NEAR_APRIL + HOUR * (cut % (hours - 1) + 1))
        if by_time
        else splitting(whole, line(name, step * (leaving % (units - 1) + 1)))
    )
    try:
        scenario.tell(scenario.decided(wish))
    except Rejected as refusal:
        refused = {each.reason for each in refusal.violations}
    else:
        refused = set()
    assert refused <= (set() if by_time else {Reason.INVALID_UNITS})
    if refused:
        return
    parts = [price_of(scenario.centre, scenario.centre.reservations[name]) for name in (whole.id, "part")]
    after = sum(each.krw for each in parts if each is not None)
    assert before.krw - 1 <= after <= before.krw
