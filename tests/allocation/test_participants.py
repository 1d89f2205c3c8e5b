"""A class is one booking with many people: room for all of them, known by pseudonyms at most, counted as they come."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import CheckIn, CreateReservation, GrantQualification
from services.allocation.events import ReservationCheckedIn
from services.allocation.rejections import Reason
from services.allocation.reservations import Line, Reservation, State
from services.allocation.values.people import Participants
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, change, line

NOON = TUESDAY + 12 * HOUR


def taught(count: int, *lines: Line, ids: tuple[str, ...] = (), hold: int = 0) -> CreateReservation:
    """ALPHA's class."""
    return replace(
        book("ALPHA", *lines, start=NOON, hours=1, hold=hold), participants=Participants(count=count, ids=ids)
    )


def begun(count: int, *lines: Line, ids: tuple[str, ...] = ()) -> tuple[Scenario, Reservation]:
    """A class that is about to begin."""
    scenario = fixture.fresh().given(GrantQualification(qualification=fixture.qualification("ALPHA")))
    made = scenario.books(taught(count, *lines, ids=ids))
    return scenario.reaches(NOON), made


def comes(scenario: Scenario, made: Reservation, present: int = 0, *ids: str) -> Participants:
    """Some of them check in."""
    after = scenario.grants(CheckIn(reservation_id=made.id, company="ALPHA", present=present, ids=ids))
    assert isinstance(after, Reservation)
    assert after.participants is not None
    return after.participants


@pytest.mark.parametrize(
    ("count", "lines", "granted"),
    [
        (3, [line("L01", 3)], True),
        (4, [line("L01", 3)], False),
        (8, [line("a100", 1000)], True),  # An eighth of a GPU for each.
        (9, [line("a100", 1000)], False),
        (9, [line("a100", 1000), line("cpu", 9)], True),
        (2, [line("T1")], False),
    ],
)
def test_there_must_be_room_for_everybody(count: int, lines: list[Line], granted: bool) -> None:
    """A seat for each, or the least share that can be booked, in one of the lines; else it is told with the room."""
    scenario = fixture.fresh().given(GrantQualification(qualification=fixture.qualification("ALPHA")))
    if granted:
        assert scenario.books(taught(count, *lines)).participants == Participants(count=count)
    else:
        assert scenario.refuses(taught(count, *lines)) == [Reason.TOO_FEW_SEATS]


def test_what_else_is_wrong_is_told_with_it() -> None:
    """P3: too few seats beside a booking that nobody is trained for."""
    assert set(fixture.fresh().refuses(taught(4, line("L01", 3)))) == {Reason.NOT_QUALIFIED, Reason.TOO_FEW_SEATS}


@pytest.mark.parametrize(
    "people",
    [
        Participants(count=0),
        Participants(count=501),
        Participants(count=2, ids=("a",)),
        Participants(count=1, ids=("a", "b")),
        Participants(count=2, ids=("a", "a")),
    ],
)
def test_a_class_that_makes_no_sense_is_refused(people: Participants) -> None:
    """Of nobody, of more than the limit, or with ids that are not one for each."""
    wish = replace(book("ALPHA", line("cpu", 100), start=NOON, hours=1), participants=people)
    assert fixture.fresh().refuses(wish) == [Reason.INVALID_PARTICIPANTS]


def test_a_class_is_not_made_smaller_than_its_people() -> None:
    """Units are given back as long as everybody still has a place."""
    scenario = fixture.fresh()
    made = scenario.books(taught(8, line("cpu", 20)))
    scenario.changes(made, lines=(line("cpu", 8),))
    assert scenario.refuses(change(made, lines=(line("cpu", 7),))) == [Reason.TOO_FEW_SEATS]


def test_people_are_counted_as_they_come() -> None:
    """All together, never back, never more than there are; when all are there, nobody checks in any more."""
    scenario, made = begun(3, line("L01", 3))
    assert comes(scenario, made, 1).present == 1
    first = scenario.current(made).checked_in_at
    for wrong in (1, 4):
        assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA", present=wrong)) == [
            Reason.INVALID_PARTICIPANTS
        ]
    scenario.now += 60
    assert comes(scenario, made).present == 3
    assert scenario.current(made).checked_in_at == first
    assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA")) == [Reason.WRONG_STATE]
    assert scenario.centre.records.conduct("ALPHA").kept == 1, "one booking was kept, however many came"


def test_people_with_ids_check_in_one_by_one() -> None:
    """Each once, and only those of the class; the event names who came just now."""
    scenario, made = begun(3, line("L01", 3), ids=("p1", "p2", "p3"))
    assert comes(scenario, made, 0, "p2").present_ids == ("p2",)
    for ids in (("p2",), ("p9",), ("p1", "p1")):
        assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA", ids=ids)) == [
            Reason.INVALID_PARTICIPANTS
        ]
    assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA", present=2)) == [
        Reason.INVALID_PARTICIPANTS
    ]
    assert scenario.decided(CheckIn(reservation_id=made.id, company="ALPHA")) == (
        ReservationCheckedIn(reservation_id=made.id, present=3, ids=("p1", "p3")),
    )
    for after in (scenario.replayed(), scenario.restored()):
        assert after.reservations[made.id].participants == scenario.current(made).participants


def test_the_first_of_a_class_keeps_it_from_being_missed() -> None:
    """Whoever is late finds it running; without anybody it is given back."""
    scenario, made = begun(2, line("L01", 2))
    comes(scenario, made, 1)
    assert scenario.reaches(NOON + HOUR // 2).current(made).state is State.ACTIVE
    other, missed = begun(2, line("L01", 2))
    assert other.reaches(NOON + HOUR // 2).current(missed).state is State.NO_SHOW


def test_a_booking_that_names_nobody_checks_in_once() -> None:
    """As ever; a number or an id is refused there."""
    scenario = fixture.fresh().given(GrantQualification(qualification=fixture.qualification("ALPHA")))
    made = scenario.books(book("ALPHA", line("L01"), start=NOON, hours=1))
    scenario.reaches(NOON)
    assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA", present=1)) == [
        Reason.INVALID_PARTICIPANTS
    ]
    scenario.grants(CheckIn(reservation_id=made.id, company="ALPHA"))
    assert scenario.refuses(CheckIn(reservation_id=made.id, company="ALPHA")) == [Reason.WRONG_STATE]


def test_a_held_class_keeps_its_people_when_it_is_confirmed() -> None:
    """What was offered is what is booked."""
    scenario = fixture.fresh()
    held = scenario.books(taught(4, line("cpu", 4), ids=("a", "b", "c", "d"), hold=600))
    assert scenario.confirms(held).participants == Participants(count=4, ids=("a", "b", "c", "d"))
