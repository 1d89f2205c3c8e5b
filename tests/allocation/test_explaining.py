"""What would be granted instead is looked for in steps, and told as everything stands at the last of them."""

import pytest

from services.allocation.commands import CreateReservation
from services.allocation.decide import decide
from services.allocation.offering.explaining import Instead, explaining
from services.allocation.offering.offers import alternatives
from services.allocation.offering.smallest import Wish, smallest_changes
from services.allocation.offering.steps import Steps, at_once
from services.allocation.rejections import Rejected
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, change, line

NOON = TUESDAY + 12 * HOUR


def crowded() -> tuple[Scenario, CreateReservation]:
    """All but a node is taken for two hours, and somebody wants two then."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("h100", 24), start=NOON, hours=2))
    return scenario, book("ALPHA", line("h100", 16), start=NOON, hours=2)


def steps_of(scenario: Scenario, wish: Wish) -> int:
    """How many steps an explanation takes."""
    looking = explaining(scenario.centre, wish, scenario.refusal(wish), scenario.now)
    return sum(1 for _ in looking)


def granted(scenario: Scenario, wish: CreateReservation, found: Instead) -> bool:
    """Whether all of it is granted, asked as given."""
    asked = [(wish.lines, *each) for each in found.alternatives]
    asked += [(each.lines, each.start, each.end) for each in found.smallest]
    for lines, start, end in asked:
        again = CreateReservation(
            reservation_id="again", company=wish.company, lines=lines, start=start, end=end, note=wish.note
        )
        try:
            decide(scenario.centre, again, scenario.now)
        except Rejected:
            return False
    return True


def after(looking: Steps[Instead], now: int) -> Instead:
    """The rest of the steps, once time has passed."""
    try:
        looking.send(now)
    except StopIteration as end:
        answer: Instead = end.value
        return answer
    return at_once(looking)


def test_where_nothing_moves_it_is_what_each_search_finds() -> None:
    """Other times, and the smallest changes."""
    scenario, wish = crowded()
    refusal = scenario.refusal(wish)
    found = at_once(explaining(scenario.centre, wish, refusal, scenario.now))
    assert found.alternatives == alternatives(scenario.centre, wish, refusal, scenario.now)
    assert found.alternatives
    words = {each.description for each in found.smallest}
    alone = {each.description for each in smallest_changes(scenario.centre, wish, refusal, scenario.now)}
    # Of two times that are as near, the one that is known already is told.
    assert words ^ alone == {"Start 2 hours later.", "Start 2 hours earlier."}


@pytest.mark.parametrize("step", range(1, 5))
def test_what_others_take_meanwhile_is_not_told(step: int) -> None:
    """Whenever the rest is taken, at the end all that is told is granted."""
    scenario, wish = crowded()
    assert step < steps_of(scenario, wish)
    first = at_once(explaining(scenario.centre, wish, scenario.refusal(wish), scenario.now))
    looking = explaining(scenario.centre, wish, scenario.refusal(wish), scenario.now)
    for _ in range(step):
        next(looking)
    scenario.books(book("ALPHA", line("h100", 8), start=NOON, hours=4))
    assert not granted(scenario, wish, first), "nothing that was found is taken"
    found = after(looking, scenario.now)
    assert found.alternatives
    assert granted(scenario, wish, found)


def test_a_change_of_what_has_ended_meanwhile_has_no_other() -> None:
    """Between the no and its explanation it was cancelled and forgotten."""
    scenario = fixture.fresh()
    made = scenario.books(book("ALPHA", line("h100", 16), start=NOON, hours=2))
    scenario.books(book("ALPHA", line("h100", 24), start=NOON + 2 * HOUR, hours=1))
    wish = change(made, end=NOON + 3 * HOUR)
    looking = explaining(scenario.centre, wish, scenario.refusal(wish), scenario.now)
    del scenario.centre.reservations[made.id]
    assert at_once(looking) == Instead()
