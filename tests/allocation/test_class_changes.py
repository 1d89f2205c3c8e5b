"""A class that is changed: more people, fewer, or other ids, for a booking or a series, and always a seat for each."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import ApproveReservation, ChangeReservation, CheckIn
from services.allocation.rejections import Reason
from services.allocation.reservations import Reservation, State
from services.allocation.series import NOBODY, Policy
from services.allocation.values.people import Participants
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, line
from tests.allocation.test_series import ELEVEN, booked, daily
from tests.allocation.test_series_changing import asking, changed, effects

NOON = TUESDAY + 12 * HOUR
SEATS = 4


def people(count: int, *ids: str) -> Participants:
    """A class."""
    return Participants(count=count, ids=ids)


def of_four(class_: Participants | None = None, hold: int = 0) -> tuple[Scenario, Reservation]:
    """Four cores for a class, or for nobody in particular."""
    scenario = fixture.fresh()
    wish = book("ALPHA", line("cpu", SEATS), start=NOON, hours=1, hold=hold)
    return scenario, scenario.books(replace(wish, participants=class_))


def asked(made: Reservation, class_: Participants, **wish: Any) -> ChangeReservation:
    """A wish for another class."""
    return ChangeReservation(reservation_id=made.id, company="ALPHA", participants=class_, **wish)


def taught(scenario: Scenario, name: str) -> Participants | None:
    """The class of a reservation as it stands."""
    return scenario.centre.reservations[name].participants


@pytest.mark.parametrize("hold", [0, 600])
@pytest.mark.parametrize("first", [None, people(2), people(3, "a", "b", "c")])
@pytest.mark.parametrize("then", [people(1), people(SEATS), people(2, "a", "z")])
def test_a_class_has_another_size_and_other_ids(first: Participants | None, then: Participants, hold: int) -> None:
    """Nothing else of the booking changes, and the log tells the same again."""
    scenario, made = of_four(first, hold)
    after = scenario.grants(asked(made, then))
    assert after == replace(made, participants=then, version=made.version + 1, position=after.position)
    for again in (scenario.replayed(), scenario.restored()):
        assert image.digest(again) == image.digest(scenario.centre)


def test_there_must_be_a_seat_for_everybody_who_is_new() -> None:
    """P3: one more than there are seats is refused with the room that there is; with more seats it is granted."""
    scenario, made = of_four(people(2))
    refusal = scenario.refusal(asked(made, people(SEATS + 1)))
    assert [(each.reason, each.limit, each.asked) for each in refusal.violations] == [
        (Reason.TOO_FEW_SEATS, SEATS, SEATS + 1)
    ]
    assert scenario.refuses(asked(made, people(SEATS + 1), note="more")) == [Reason.TOO_FEW_SEATS]
    scenario.grants(asked(made, people(SEATS + 1), lines=(line("cpu", SEATS + 1),)))
    assert taught(scenario, made.id) == people(SEATS + 1)


def test_fewer_seats_are_enough_for_fewer_people() -> None:
    """Both are asked of what shall be: a booking shrinks below the class that it had where that shrinks too."""
    scenario, made = of_four(people(SEATS))
    smaller = {"lines": (line("cpu", 2),)}
    assert scenario.refuses(ChangeReservation(reservation_id=made.id, company="ALPHA", **smaller)) == [
        Reason.TOO_FEW_SEATS
    ]
    assert scenario.refuses(asked(made, people(3), **smaller)) == [Reason.TOO_FEW_SEATS]
    scenario.grants(asked(made, people(2), **smaller))


@pytest.mark.parametrize("then", [people(0), people(501), people(2, "a"), people(2, "a", "a")])
def test_a_class_that_makes_no_sense_is_refused(then: Participants) -> None:
    """Of nobody, of more than the limit, or with ids that are not one for each."""
    scenario, made = of_four(people(2))
    assert scenario.refuses(asked(made, then)) == [Reason.INVALID_PARTICIPANTS]


@pytest.mark.parametrize(
    ("first", "came", "then", "granted"),
    [
        (people(3), CheckIn(reservation_id="", company="ALPHA", present=2), people(2), True),
        (people(3), CheckIn(reservation_id="", company="ALPHA", present=2), people(4), True),
        (people(3), CheckIn(reservation_id="", company="ALPHA", present=2), people(1), False),
        (people(2), CheckIn(reservation_id="", company="ALPHA", present=1), people(2, "a", "b"), False),
        (people(2, "a", "b"), CheckIn(reservation_id="", company="ALPHA", ids=("a",)), people(3, "a", "c", "d"), True),
        (people(2, "a", "b"), CheckIn(reservation_id="", company="ALPHA", ids=("a",)), people(2, "b", "c"), False),
        (people(2, "a", "b"), CheckIn(reservation_id="", company="ALPHA", ids=("a",)), people(2), False),
    ],
)
def test_who_has_come_stays(first: Participants, came: CheckIn, then: Participants, granted: bool) -> None:
    """While it runs a class grows and shrinks around those who are there, counted as they came; the rest may follow."""
    scenario, made = of_four(first)
    scenario.reaches(NOON)
    scenario.grants(replace(came, reservation_id=made.id))
    present = taught(scenario, made.id)
    assert present is not None
    assert scenario.current(made).state is State.ACTIVE
    if not granted:
        assert scenario.refuses(asked(made, then)) == [Reason.INVALID_PARTICIPANTS]
        return
    scenario.grants(asked(made, then))
    after = taught(scenario, made.id)
    assert after == replace(then, present=present.present, present_ids=present.present_ids)
    if after.present < after.count:
        scenario.grants(
            CheckIn(reservation_id=made.id, company="ALPHA", ids=tuple(each for each in then.ids if each != "a"))
        )
        assert scenario.current(made).participants == replace(after, present=after.count, present_ids=then.ids)


def test_a_class_that_waits_for_approval_is_of_what_was_changed_when_it_is_confirmed() -> None:
    """Votes are about units and times; the people are those of the last change, and need not be voted on."""
    theatre = replace(fixture.CLOCK_ROUND, id="theatre", nodes=fixture.seats("theatre", 4), approval="manager")
    scenario = fixture.fresh().also(replace(theatre, approval_hours=5))
    wish = replace(book("ALPHA", line("theatre", 2), start=NOON + DAY, hours=1), participants=people(1))
    made = scenario.books(wish)
    assert made.state is State.PENDING
    scenario.grants(asked(made, people(2)))
    assert scenario.current(made).state is State.PENDING
    scenario.grants(ApproveReservation(reservation_id=made.id, company="ALPHA", voter="operators/kim"))
    assert (scenario.current(made).state, taught(scenario, made.id)) == (State.CONFIRMED, people(2))
    scenario.grants(asked(scenario.current(made), people(1, "p-1")))
    assert taught(scenario, made.id) == people(1, "p-1")


def classes(policy: Policy = Policy.FAIL) -> Scenario:
    """Three days of a class of two on four cores."""
    scenario = fixture.fresh()
    wish = daily(3, units=SEATS, resource="cpu", policy=policy)
    booked(scenario, replace(wish, series=replace(wish.series, participants=people(2))))
    return scenario


def test_the_class_of_a_series_is_changed_for_all() -> None:
    """Every day to come is a class of that many, with the reservations that there were; the day that runs is not."""
    scenario = classes().reaches(ELEVEN)
    after = changed(scenario, participants=people(3, "a", "b", "c"))
    assert effects(after) == ["", "changed", "changed"]
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [people(2), *[people(3, "a", "b", "c")] * 2]
    assert after.participants == people(3, "a", "b", "c")
    longer = changed(scenario, [ELEVEN + day * DAY for day in range(4)], recurrence=("x",))
    assert taught(scenario, longer.occurrences[3].reservation_id) == people(3, "a", "b", "c")
    for again in (scenario.replayed(), scenario.restored()):
        assert again.series.by_id == scenario.centre.series.by_id


def test_the_class_of_this_and_the_following_is_changed() -> None:
    """What comes before remembers the class that was asked of it then, and is no exception later."""
    scenario = classes()
    after = changed(scenario, since=ELEVEN + DAY, participants=people(4))
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [people(2), people(4), people(4)]
    assert [each.participants for each in after.occurrences] == [people(2), None, None]
    again = changed(scenario, participants=people(1))
    assert effects(again) == ["changed"] * 3
    assert [each.participants for each in again.occurrences] == [None] * 3


def test_a_series_without_people_becomes_one_of_classes() -> None:
    """From a day on it is a class each time; what comes before remembers that it was none, and can follow later."""
    scenario = fixture.fresh()
    booked(scenario, daily(3, units=SEATS, resource="cpu"))
    after = changed(scenario, since=ELEVEN + DAY, participants=people(3))
    assert [each.participants for each in after.occurrences] == [NOBODY, None, None]
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [None, people(3), people(3)]
    assert effects(changed(scenario, participants=people(2))) == ["changed"] * 3


def test_a_class_that_was_changed_alone_stays_so_unless_it_is_overwritten() -> None:
    """One occurrence is a reservation like any other, and keeps its own people when the others change."""
    scenario = classes()
    scenario.grants(asked(scenario.centre.reservations["s1-1"], people(4)))
    assert effects(changed(scenario, participants=people(3))) == ["changed", "kept", "changed"]
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [people(3), people(4), people(3)]
    changed(scenario, participants=people(1), overwrites=True)
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [people(1)] * 3


@pytest.mark.parametrize("policy", [Policy.SKIP, Policy.SHIFT])
def test_a_day_without_seats_keeps_its_class(policy: Policy) -> None:
    """P3: where one day has fewer seats it is left as it was and says why; to fail refuses them all."""
    scenario = classes()
    scenario.changes(scenario.centre.reservations["s1-1"], lines=(line("cpu", 2),))
    after = changed(scenario, participants=people(4), policy=policy)
    assert effects(after) == ["changed", "left", "changed"]
    assert after.occurrences[1].reasons == ("TOO_FEW_SEATS",)
    assert [taught(scenario, f"s1-{day}") for day in range(3)] == [people(4), people(2), people(4)]
    assert scenario.refuses(asking(scenario, participants=people(4), policy=Policy.FAIL)) == [Reason.TOO_FEW_SEATS]
