"""What of a booking lies beyond its quota is marked on it, by the terms or by an operator, as it stands now."""

from msgspec.structs import replace

from services.allocation.booking.transferring import offer_of
from services.allocation.commands import AcceptTransfer, OfferTransfer, PublishTerms
from services.allocation.events import ReservationConfirmed
from services.allocation.rejections import Reason
from services.allocation.reservations import Overburn, Reservation
from services.allocation.values.terms import Terms
from tests.allocation import fixture
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line

START = NOW + 3 * DAY


def overburning(percent: int = 125) -> Scenario:
    """GAMMA has 100 hours of h100 in March, and may book so many percent of them."""
    return fixture.fresh().given(PublishTerms(terms=Terms(effective=NOW, overburn_percent=percent)))


def hours(reservation: Reservation) -> dict[str, float]:
    """What of it lies beyond each quota, in unit-hours."""
    return {each.meter: each.unit_seconds / HOUR for each in reservation.overburn}


def test_what_lies_within_the_quota_is_not_marked() -> None:
    """Nor told in its event."""
    centre = overburning()
    booked = centre.books(book("GAMMA", line("h100", 8), start=START, hours=12))
    assert booked.overburn == ()


def test_only_what_lies_beyond_is_marked() -> None:
    """96 of 100 hours are booked; of the next 16 four are within, and of eight after that none is."""
    centre = overburning()
    centre.given(book("GAMMA", line("h100", 8), start=START, hours=12))
    assert hours(centre.books(book("GAMMA", line("h100", 8), start=START + DAY, hours=2))) == {"h100": 12}
    assert hours(centre.books(book("GAMMA", line("h100", 8), start=START + 2 * DAY, hours=1))) == {"h100": 8}


def test_an_operators_leave_is_marked_too() -> None:
    """Of compute and of equipment, each on its meter."""
    centre = overburning(100)
    leave = {"override": (Reason.QUOTA_EXCEEDED,), "because": "the last of the season"}
    assert hours(centre.books(book("GAMMA", line("h100", 8), start=START, hours=15, **leave))) == {"h100": 20}
    long = centre.books(book("GAMMA", line("C24"), start=START, hours=50, **leave))
    assert hours(long) == {"equipment": 10}


def test_a_change_marks_it_anew() -> None:
    """Longer it burns more, short enough it burns nothing, and with another note it stays as it is."""
    centre = overburning()
    booked = centre.books(book("GAMMA", line("h100", 8), start=START, hours=13))
    assert hours(booked) == {"h100": 4}
    longer = centre.changes(booked, end=START + 15 * HOUR)
    assert hours(longer) == {"h100": 20}
    noted = centre.changes(longer, note="the big one")
    assert hours(noted) == {"h100": 20}
    assert centre.changes(noted, end=START + 12 * HOUR).overburn == ()


def test_what_runs_is_marked_as_a_whole() -> None:
    """The hours that are over count in it as well."""
    centre = overburning()
    booked = centre.books(book("GAMMA", line("h100", 8), start=START, hours=12))
    running = centre.reaches(START + 11 * HOUR).current(booked)
    assert hours(centre.changes(running, end=START + 14 * HOUR)) == {"h100": 12}


def test_whoever_takes_it_over_burns_their_own_quota() -> None:
    """The mark is theirs by what they hold; what another company burnt is not told to them."""
    centre = overburning()
    booked = centre.books(book("GAMMA", line("h100", 8), start=START, hours=13))
    centre.given(OfferTransfer(reservation_id=booked.id, company="GAMMA", to="ALPHA", seconds=HOUR))
    assert offer_of(centre.current(booked)).overburn == ()
    taken = centre.grants(AcceptTransfer(reservation_id=booked.id, company="GAMMA"))
    assert isinstance(taken, Reservation)
    assert (taken.company, taken.overburn) == ("ALPHA", ())


def test_the_mark_survives_a_restart() -> None:
    """Out of a snapshot and out of the log; and a page without one reads as none."""
    centre = overburning()
    booked = centre.books(book("GAMMA", line("h100", 8), start=START, hours=13))
    for again in (centre.restored(), centre.replayed()):
        assert again.reservations[booked.id].overburn == (Overburn(meter="h100", unit_seconds=4 * HOUR),)
    (event,) = centre.history[-1][2]
    assert isinstance(event, ReservationConfirmed)
    assert replace(event, overburn=()) != event
