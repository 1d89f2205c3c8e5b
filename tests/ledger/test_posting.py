"""Double entry, without a database: what each event posts."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.allocation.events import CompanyRegistered, Event, QuotaGranted, ResourceRegistered
from services.allocation.life import follow
from services.allocation.resources import Allocation
from services.ledger.books import Claim, Step
from services.ledger.posting import Account, Transfer, post
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


def effect(*facts: Event) -> Counter[tuple[str, str, Account]]:
    """What the last of some events of one reservation adds to each account."""
    transfers: tuple[Transfer, ...] = ()
    before: Claim | None = None
    for number, event in enumerate(facts, 1):
        step = None
        if not isinstance(event, ResourceRegistered | CompanyRegistered | QuotaGranted):
            after = Claim(follow(before.reservation if before else None, event, MONDAY, number), number)
            step, before = Step(before, after), after
        transfers = post(event, step)
    change: Counter[tuple[str, str, Account]] = Counter()
    for transfer in transfers:
        assert transfer.unit_seconds > 0
        change[(transfer.company, transfer.resource, transfer.from_account)] -= transfer.unit_seconds
        change[(transfer.company, transfer.resource, transfer.to_account)] += transfer.unit_seconds
    return change


@given(allocations(), st.integers(0, 500))
def test_every_event_sums_to_zero(held_: tuple[Allocation, ...], hour: int) -> None:
    """Whatever an event says, its postings sum to zero on every resource."""
    waits, runs = (confirmed("r", *held_),), (confirmed("r", *held_), activated("r"))
    early = released("r", MONDAY + hour * HOUR)
    for life in ((grant(),), waits, runs, (*waits, cancelled("r")), (*runs, completed("r")), (*runs, early)):
        change = effect(*life)
        for resource in {resource for _, resource, _ in change}:
            assert sum(amount for (_, on, _), amount in change.items() if on == resource) == 0


@given(allocations(), st.integers(-10, 510))
def test_what_is_held_ends_used_or_released(held_: tuple[Allocation, ...], hour: int) -> None:
    """However a reservation ends, exactly what was held is used or given back, and nothing stays held."""
    waits, runs = (confirmed("r", *held_),), (confirmed("r", *held_), activated("r"))
    for before, ending in (
        (waits, cancelled("r")),
        (runs, completed("r")),
        (runs, released("r", MONDAY + hour * HOUR)),
    ):
        life = effect(*waits)
        life.update(effect(*before, ending))
        for allocation in held_:
            on = ("CMP-0001", allocation.resource)
            assert life[(*on, Account.HELD)] == 0
            assert life[(*on, Account.USED)] + life[(*on, Account.RELEASED)] == allocation.unit_seconds
            assert life[(*on, Account.CAPACITY)] == -allocation.unit_seconds


def test_an_early_end_splits_at_the_cut() -> None:
    """What lies before the release is used, and the spans after it are given back."""
    held_ = held(range(4), hours(0, 4), hours(24, 28))
    change = effect(confirmed("r", held_), activated("r"), released("r", MONDAY + 25 * HOUR))
    assert change[("CMP-0001", "h100", Account.USED)] == 4 * 5 * HOUR
    assert change[("CMP-0001", "h100", Account.RELEASED)] == 4 * 3 * HOUR


def test_a_move_posts_nothing() -> None:
    """Standing on other bins costs the same."""
    first = confirmed("r", held([0, 1], hours(0, 4)))
    assert effect(first, moved("r", held([4, 5], hours(0, 4)))) == Counter()
