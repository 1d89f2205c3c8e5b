"""The strict fold: events that do not fit are refused before anything is written."""

import pytest

from services.allocation.events import Event
from services.allocation.reservations import State
from services.ledger.books import Books, Misfit
from tests.ledger.pages import (
    MONDAY,
    activated,
    cancelled,
    company,
    completed,
    confirmed,
    grant,
    held,
    hours,
    moved,
    pool,
    released,
)

R1 = confirmed("r1", held([0, 1], hours(0, 4)))


def folded(*facts: Event) -> Books:
    """Books after these events."""
    books = Books()
    for number, fact in enumerate(facts, 1):
        books.take(fact, number, MONDAY, number)
    return books


def test_later_events_find_what_the_reservation_holds() -> None:
    """An event that only names a reservation comes with the company and the allocations it concerns."""
    books = folded(pool(), company(), R1)
    books.take(activated("r1"), 4, MONDAY, 4)
    step = books.take(completed("r1"), 5, MONDAY, 5)
    assert step is not None
    assert step.before is not None
    assert step.before.number == 3
    assert (step.after.reservation.company, step.after.reservation.state) == ("CMP-0001", State.COMPLETED)
    assert step.after.reservation.allocations == (held([0, 1], hours(0, 4)),)
    assert books.claims == {}


def test_a_move_changes_where_and_not_what() -> None:
    """After a move the claim stands on the new bins."""
    books = folded(pool(), company(), R1, moved("r1", held([6, 7], hours(0, 4))))
    assert books.claims["r1"].reservation.allocations == (held([6, 7], hours(0, 4)),)


@pytest.mark.parametrize(
    ("history", "misfit"),
    [
        ([pool(), pool()], "registered twice"),
        ([company(), company()], "registered twice"),
        ([grant()], "not registered"),
        ([pool(), R1], "company CMP-0001 is not registered"),
        ([company(), R1], "resource h100 is not registered"),
        ([pool(), company(), R1, R1], "is confirmed: reservation_confirmed cannot follow"),
        ([pool(), company(), confirmed("r1", held([32], hours(0, 1)))], "32 bins"),
        ([pool(), company(), confirmed("r1", held([-1], hours(0, 1)))], "32 bins"),
        ([pool(), company(), R1, moved("r1", held([0], hours(0, 4)))], "changes what it holds"),
        ([pool(), company(), R1, cancelled("r1"), completed("r1")], "not live"),
        ([activated("r1")], "not live"),
        ([released("r1", 0)], "not live"),
        ([pool(), company(), R1, completed("r1")], "is confirmed: reservation_completed cannot follow"),
    ],
)
def test_contradictions_are_refused(history: list[Event], misfit: str) -> None:
    """An event that contradicts the ones before it is named, never guessed around (P9)."""
    with pytest.raises(Misfit, match=misfit):
        folded(*history)
