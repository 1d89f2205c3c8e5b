"""Double entry, without a database: what each event posts."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import Event
from services.allocation.resources import Allocation, State
from services.ledger.books import Claim
from services.ledger.posting import Account, post
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    activated,
    cancelled,
    completed,
    confirmed,
    grant,
    held,
    hours,
    moved,
    released,
)


@st.composite
def allocations(draw: st.DrawFn) -> tuple[Allocation, ...]:
    """Some bins of some resources, for one to three spans each."""
    made = []
    for resource in draw(st.lists(st.sampled_from(["h100", "a100", "M01", "OP"]), min_size=1, max_size=4, unique=True)):
        edges = sorted(draw(st.sets(st.integers(0, 500), min_size=2, max_size=6)))
        spans = [hours(first, last) for first, last in zip(edges[::2], edges[1::2], strict=False)]
        amounts = draw(st.lists(st.integers(1, 1000), min_size=1, max_size=16))
        made.append(held(range(len(amounts)), *spans, resource=resource, amounts=amounts))
    return tuple(made)


def claim_of(held_: tuple[Allocation, ...]) -> Claim:
    """A live claim of these allocations."""
    return Claim(reservation="r", company="CMP-0001", state=State.ACTIVE, start=0, end=0, allocations=held_, number=1)


def effect(event: Event, claim: Claim | None) -> Counter[tuple[str, str, Account]]:
    """What an event adds to each account."""
    change: Counter[tuple[str, str, Account]] = Counter()
    for transfer in post(event, claim):
        assert transfer.unit_seconds > 0
        change[(transfer.company, transfer.resource, transfer.from_account)] -= transfer.unit_seconds
        change[(transfer.company, transfer.resource, transfer.to_account)] += transfer.unit_seconds
    return change


@given(allocations(), st.integers(0, 500))
def test_every_event_sums_to_zero(held_: tuple[Allocation, ...], hour: int) -> None:
    """Whatever an event says, its postings sum to zero on every resource."""
    cut = MONDAY + hour * HOUR
    for event in (grant(), confirmed("r", *held_), activated("r"), completed("r"), cancelled("r"), released("r", cut)):
        change = effect(event, claim_of(held_))
        for resource in {resource for _, resource, _ in change}:
            assert sum(amount for (_, on, _), amount in change.items() if on == resource) == 0


@given(allocations(), st.integers(-10, 510))
def test_what_is_held_ends_used_or_released(held_: tuple[Allocation, ...], hour: int) -> None:
    """However a reservation ends, exactly what was held is used or given back, and nothing stays held."""
    claim = claim_of(held_)
    for ending in (completed("r"), cancelled("r"), released("r", MONDAY + hour * HOUR)):
        life = effect(confirmed("r", *held_), claim)
        life.update(effect(ending, claim))
        for allocation in held_:
            on = ("CMP-0001", allocation.resource)
            assert life[(*on, Account.HELD)] == 0
            assert life[(*on, Account.USED)] + life[(*on, Account.RELEASED)] == allocation.unit_seconds
            assert life[(*on, Account.CAPACITY)] == -allocation.unit_seconds


def test_an_early_end_splits_at_the_cut() -> None:
    """What lies before the release is used, and the spans after it are given back."""
    claim = claim_of((held(range(4), hours(0, 4), hours(24, 28)),))
    change = effect(released("r", MONDAY + 25 * HOUR), claim)
    assert change[("CMP-0001", "h100", Account.USED)] == 4 * 5 * HOUR
    assert change[("CMP-0001", "h100", Account.RELEASED)] == 4 * 3 * HOUR


def test_a_move_posts_nothing() -> None:
    """Standing on other bins costs the same."""
    before = (held([0, 1], hours(0, 4)),)
    assert post(moved("r", held([4, 5], hours(0, 4))), claim_of(before)) == ()
