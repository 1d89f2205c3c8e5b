"""The image of a centre: all that is true and nothing that follows from it, in a form that lasts."""

import pytest
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import ClosePeriod, PublishTariff
from services.allocation.reservations import Reservation
from services.allocation.tables.answer import Answer
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, book, grids_of, line

NOON = TUESDAY + 12 * HOUR


def lived() -> Scenario:
    """A centre with some of everything, and with the answers of some requests."""
    scenario = fixture.fresh()
    made = [
        scenario.books(book("ALPHA", line("cpu", 10), start=NOON + hour * HOUR, hours=2, note="hello"))
        for hour in range(5)
    ]
    scenario.given(
        book("ALPHA", line("M01"), line("M05"), start=TUESDAY + 33 * HOUR, hours=4),
        book("GAMMA", line("h100", 8), start=NOON, hours=5),
    )
    scenario.cancels(made[0])
    scenario.reaches(NOON + 2 * HOUR)
    scenario.releases(scenario.current(made[2]))
    tariff = scenario.grants(PublishTariff(tariff=fixture.TARIFF))
    closed = scenario.grants(ClosePeriod(month="2026-02"))
    subjects = [*made, fixture.CPU, fixture.ALPHA, fixture.QUOTAS[0], tariff, closed]
    for number, subject in enumerate(subjects):
        answer = Answer(digest=f"d{number}", position=number, time=scenario.now, subject=subject)
        scenario.centre.answers.remember("companies/ALPHA", f"request-{number}", answer)
    return scenario


def test_an_image_is_the_whole_truth() -> None:
    """Taken, encoded, decoded and restored, a centre is the same: state, calendars, agenda and answers."""
    scenario = lived()
    restored = scenario.restored()
    assert image.digest(restored) == image.digest(scenario.centre)
    assert grids_of(restored, scenario.now) == grids_of(scenario.centre, scenario.now)
    assert restored.answers.by_request == scenario.centre.answers.by_request
    assert restored.reservations == scenario.centre.reservations
    assert (restored.cards.published, restored.closed) == (scenario.centre.cards.published, scenario.centre.closed)
    assert restored.lists.ended == scenario.centre.lists.ended
    assert sorted(restored.agenda.notes()) == sorted(
        entry
        for entry in scenario.centre.agenda.notes()
        if (each := scenario.centre.reservations[entry[1]]).state.live
        and entry[0] == (each.start if each.state.value == "confirmed" else each.end)
    )


def test_an_answer_shows_what_was_granted_then() -> None:
    """P4: what changed since is kept as it was, what did not is not kept twice."""
    scenario = lived()
    kept = {each.request_id: each.then for each in image.Moment(scenario.centre).image().answers}
    assert isinstance(kept["request-0"], Reservation)
    assert kept["request-4"] is None
    answer = scenario.restored().answers.by_request["companies/ALPHA", "request-0"]
    assert isinstance(answer.subject, Reservation)
    assert answer.subject.state.value == "confirmed"


def test_life_goes_on_alike_after_a_restart() -> None:
    """Both centres give the same answers to the same commands from there on."""
    one = lived()
    other = Scenario(one.now)
    other.centre = one.restored()
    for scenario in (one, other):
        scenario.reaches(NOON + 3 * HOUR)
        scenario.given(book("ALPHA", line("cpu", 200), start=NOON + DAY, hours=3, reservation_id="same"))
        scenario.reaches(NOON + 2 * DAY)
    assert [each.allocations for each in one.centre.reservations.values()] == [
        each.allocations for each in other.centre.reservations.values()
    ]
    assert [events for _, _, events in one.history[-len(other.history) :]] == [events for _, _, events in other.history]


def test_two_different_truths_have_different_digests() -> None:
    """A note, an id, a moment: whatever differs makes another digest."""
    digests = set()
    for change in ({}, {"note": "x"}, {"reservation_id": "other"}, {"start": NOON + HOUR}, {"company": "BETA"}):
        wish = replace(book("ALPHA", line("cpu"), start=NOON, end=NOON + 2 * HOUR, reservation_id="r"), **change)
        digests.add(image.digest(fixture.fresh().given(wish).centre))
    assert len(digests) == 5


def test_another_format_is_refused() -> None:
    """A program reads only the images that it understands."""
    picture = replace(image.Moment(lived().centre).image(), format=image.FORMAT + 1)
    with pytest.raises(ValueError, match="format"):
        image.centre_of(picture)
