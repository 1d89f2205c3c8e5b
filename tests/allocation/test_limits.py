"""Limits of agreements and pools: GPUs by track, batch work, and how far a quota of compute may be overburnt."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import ApproveReservation, PublishTerms
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Reservation, State
from services.allocation.resources import BatchLimits
from services.allocation.values.terms import Terms
from tests.allocation import fixture
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

NINE = TUESDAY + 9 * HOUR
TRACK = fixture.company("TRACK", gpus_unapproved=4, gpus_max=8, gpus_approval_hours=24)
LIMITS = BatchLimits(reservations_max=3, long_hours=24, long_at_once_max=1)
BATCH = replace(fixture.CPU, id="batch", batch=LIMITS, slots_max=120)


@pytest.fixture
def centre() -> Scenario:
    """A company of a track, and pools with and without limits."""
    return Scenario.of(
        fixture.A100, fixture.H100, fixture.CPU, BATCH, TRACK, *fixture.COMPANIES, *fixture.QUOTAS, now=NOW
    )


def test_up_to_four_gpus_need_no_approval(centre: Scenario) -> None:
    """In one booking, whatever the pool counts in; cores are no GPUs."""
    assert centre.books(book("TRACK", line("a100", 4000), start=NINE, hours=1)).state is State.CONFIRMED
    assert centre.books(book("TRACK", line("cpu", 100), start=NINE, hours=1)).state is State.CONFIRMED


def test_up_to_eight_gpus_a_manager_approves(centre: Scenario) -> None:
    """The booking waits for one vote, holds its units meanwhile, and is denied by itself when nobody decides."""
    pending = centre.books(book("TRACK", line("a100", 8000), start=NINE + 5 * DAY, hours=1))
    assert pending.state is State.PENDING
    assert pending.expires_at == NOW + 24 * HOUR
    assert pending.approval is not None
    assert (pending.approval.voters, pending.approval.reference_required) == (1, False)
    wish = ApproveReservation(reservation_id=pending.id, company="TRACK", voter="operators/kim")
    approved = centre.grants(wish)
    assert isinstance(approved, Reservation)
    assert approved.state is State.CONFIRMED
    other = centre.books(book("TRACK", line("a100", 5000), start=NINE + 5 * DAY, hours=1))
    assert centre.reaches(NOW + 24 * HOUR).current(other).state is State.DENIED


def test_more_than_eight_gpus_are_refused(centre: Scenario) -> None:
    """With the most that could be had; an operator may override it."""
    refusal = centre.refusal(book("TRACK", line("a100", 8125), start=NINE, hours=1))
    assert [(each.reason, each.limit, each.asked) for each in refusal.violations] == [
        (Reason.CONCURRENCY_EXCEEDED, 8000, 8125)
    ]
    wish = book("TRACK", line("a100", 9000), start=NINE, hours=1, override=("CONCURRENCY_EXCEEDED",), because="a class")
    assert centre.books(wish).state is State.PENDING


def test_a_held_offer_of_eight_gpus_waits_for_approval_when_it_is_taken(centre: Scenario) -> None:
    """As with equipment: holding asks nobody."""
    held = centre.books(book("TRACK", line("a100", 8000), start=NINE, hours=1, hold=600))
    assert held.state is State.HELD
    assert centre.confirms(held).state is State.PENDING


def test_what_must_be_approved_cannot_have_begun(centre: Scenario) -> None:
    """Four GPUs may start now, eight may not."""
    centre.books(book("TRACK", line("a100", 4000), start=NOW, hours=1))
    assert centre.refuses(book("TRACK", line("a100", 8000), start=NOW, hours=1)) == [Reason.START_IN_PAST]


def test_a_change_does_not_get_round_the_approval(centre: Scenario) -> None:
    """Four GPUs become eight once a manager agrees; they may become fewer at once."""
    booked = centre.books(book("TRACK", line("a100", 4000), start=NINE, hours=1))
    waiting = centre.changes(booked, lines=(line("a100", 8000),))
    assert (waiting.asked is not None, waiting.lines) == (True, booked.lines)
    assert centre.changes(booked, lines=(line("a100", 2000),)).state is State.CONFIRMED


def test_a_company_has_so_many_reservations_of_batch_work(centre: Scenario) -> None:
    """The fourth is refused whenever it is, until one of the three is over; other companies and pools do not count."""
    some = [centre.books(book("BETA", line("batch"), start=NINE + day * DAY, hours=1)) for day in range(3)]
    centre.given(book("ALPHA", line("batch"), start=NINE, hours=1), book("BETA", line("cpu"), start=NINE, hours=1))
    wish = book("BETA", line("batch"), start=NINE + 9 * DAY, hours=1)
    assert centre.refuses(wish) == [Reason.CONCURRENCY_EXCEEDED]
    centre.cancels(some[0])
    centre.given(wish)
    assert centre.refuses(book("BETA", line("batch"), start=NINE, hours=1)) == [Reason.CONCURRENCY_EXCEEDED]
    centre.reaches(NINE + DAY + HOUR)
    centre.given(book("BETA", line("batch"), start=NINE + 3 * DAY, hours=1))


def test_one_long_reservation_of_batch_work_at_a_time(centre: Scenario) -> None:
    """Two of more than a day do not overlap; after one another, and beside short ones, they do no harm."""
    centre.given(book("BETA", line("batch"), start=NINE, hours=30))
    assert centre.refuses(book("BETA", line("batch"), start=NINE + 29 * HOUR, hours=25)) == [
        Reason.CONCURRENCY_EXCEEDED
    ]
    centre.given(book("BETA", line("batch"), start=NINE + 30 * HOUR, hours=25))
    centre.given(book("BETA", line("batch"), start=NINE, hours=24))


def test_batch_work_has_a_longest_walltime(centre: Scenario) -> None:
    """The pool's own, beside the company's."""
    assert centre.refuses(book("BETA", line("batch"), start=NINE, hours=121)) == [Reason.DURATION_OUT_OF_RANGE]


def test_batch_work_is_extended_in_its_last_hour(centre: Scenario) -> None:
    """What is changed does not count against itself, not even when hardly anything of it lies ahead."""
    booked = [centre.books(book("BETA", line("batch"), start=NINE, hours=30)) for _ in range(1)]
    centre.given(*(book("BETA", line("batch"), start=NINE, hours=1 + day) for day in range(2)))
    centre.reaches(NINE + 30 * HOUR - 60)
    assert centre.changes(booked[0], end=NINE + 40 * HOUR).end == NINE + 40 * HOUR


def test_the_limits_of_batch_work_survive_a_restart(centre: Scenario) -> None:
    """Out of a snapshot and out of the log alike."""
    centre.given(*(book("BETA", line("batch"), start=NINE + day * DAY, hours=1) for day in range(3)))
    wish = book("BETA", line("batch"), start=NINE + 9 * DAY, hours=1)
    for again in (centre.restored(), centre.replayed()):
        copy = Scenario(centre.now)
        copy.centre = again
        assert copy.refuses(wish) == [Reason.CONCURRENCY_EXCEEDED]


def terms(percent: int, effective: int = NOW) -> PublishTerms:
    """Terms by which so much of a quota may be booked."""
    return PublishTerms(terms=Terms(effective=effective, overburn_percent=percent))


def test_a_quota_of_compute_may_be_overburnt_as_far_as_the_terms_say(centre: Scenario) -> None:
    """GAMMA has 100 GPU-hours of March: with 125 %, 120 are granted, and 128 are refused with what is left."""
    wish = book("GAMMA", line("h100", 8), start=NINE, hours=15)
    assert centre.refuses(wish) == [Reason.QUOTA_EXCEEDED]
    centre.given(terms(125), wish)
    refusal = centre.refusal(book("GAMMA", line("h100", 8), start=NINE + DAY, hours=1))
    assert [(each.reason, each.limit, each.asked) for each in refusal.violations] == [
        (Reason.QUOTA_EXCEEDED, 125 * HOUR, 128 * HOUR)
    ]
    assert "125 %" in refusal.violations[0].description


def test_overburn_holds_from_the_day_of_its_terms_on(centre: Scenario) -> None:
    """A decision before that day is made under the rules before, and replays so."""
    wish = book("GAMMA", line("h100", 8), start=NINE + 10 * DAY, hours=15)
    centre.given(terms(125, effective=NOW + DAY))
    assert centre.refuses(wish) == [Reason.QUOTA_EXCEEDED]
    centre.reaches(NOW + DAY).given(wish)


def test_hours_of_equipment_are_never_overburnt() -> None:
    """The rule is of compute."""
    centre = fixture.fresh().given(terms(125), book("GAMMA", line("C24"), start=NINE, hours=40))
    assert centre.refuses(book("GAMMA", line("C24"), start=NINE + 3 * DAY, hours=1)) == [Reason.QUOTA_EXCEEDED]


def test_offers_know_of_overburn(centre: Scenario) -> None:
    """The earliest start is the first that is granted, not the first within the quota itself."""
    centre.given(terms(125))
    assert centre.offers("GAMMA", line("h100", 8), hours=15, count=1).intervals[0][0] < MONDAY + DAY


def test_terms_overburn_between_the_quota_and_ten_times_it(centre: Scenario) -> None:
    """Less than the quota would be no overburn, and more than ten times no quota."""
    for percent in (99, 1001):
        assert centre.refuses(terms(percent)) == [Reason.INVALID_TERMS]


@pytest.mark.parametrize(
    "odd", [{"gpus_unapproved": 9, "gpus_max": 8}, {"gpus_unapproved": -1}, {"gpus_approval_hours": 10_000}]
)
def test_a_track_that_contradicts_itself_is_refused(odd: dict[str, int]) -> None:
    """At the registration, not at the first booking."""
    with pytest.raises(Rejected):
        Scenario.of(fixture.company("ODD", **odd), now=NOW)
