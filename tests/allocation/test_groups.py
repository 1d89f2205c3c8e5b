"""Members of an exclusive group: never two at a time, and time to change over between them."""

import pytest
from msgspec.structs import replace

from services.allocation.commands import RegisterResource
from services.allocation.rejections import Reason
from services.allocation.resources import Companion
from tests.allocation import fixture
from tests.allocation.fixture import TUESDAY
from tests.allocation.scenario import HOUR, Scenario, book, grids_of, line

TEN = TUESDAY + 10 * HOUR


@pytest.mark.parametrize(("start", "hours"), [(TEN, 2), (TEN - HOUR, 2), (TEN + HOUR, 2), (TEN - HOUR, 4)])
def test_two_members_never_overlap(start: int, hours: int) -> None:
    """While one vehicle is on the track no other one is, however the times overlap."""
    scenario = fixture.fresh().given(book("ALPHA", line("T1"), start=TEN, hours=2))
    assert scenario.refuses(book("ALPHA", line("T2"), start=start, hours=hours)) == [Reason.EXCLUSIVE_GROUP_BUSY]


def test_two_members_in_one_demand_are_refused() -> None:
    """One demand cannot hold two members of a group either."""
    reasons = fixture.fresh().refuses(book("ALPHA", line("T1"), line("T2"), start=TEN, hours=1))
    assert set(reasons) == {Reason.EXCLUSIVE_GROUP_BUSY}


@pytest.mark.parametrize("side", [-1, 1])
def test_a_changeover_lies_between_two_members(side: int) -> None:
    """The next member comes after the changeover, before as well as behind."""
    scenario = fixture.fresh().given(book("ALPHA", line("T1"), start=TEN + 2 * HOUR, hours=1))
    wish = book("ALPHA", line("T2"), start=TEN + 2 * HOUR + side * HOUR, hours=1)
    assert scenario.refuses(wish) == [Reason.CHANGEOVER_TOO_SHORT]
    scenario.books(book("ALPHA", line("T2"), start=TEN + 2 * HOUR + side * 2 * HOUR, hours=1))


def test_the_same_member_needs_no_changeover() -> None:
    """The same vehicle may follow itself at once."""
    scenario = fixture.fresh()
    first = scenario.books(book("ALPHA", line("T1"), start=TEN, hours=1))
    assert scenario.refuses(book("GAMMA", line("T2"), start=TEN + HOUR, hours=1)) == [Reason.CHANGEOVER_TOO_SHORT]
    assert scenario.books(book("GAMMA", line("T1"), start=TEN + HOUR, hours=1)).start == first.end


def looped(name: str, changeover: int, slot: int) -> RegisterResource:
    """A vehicle on another track."""
    vehicle = replace(fixture.track(name), exclusive_group="LOOP", changeover_minutes=changeover, slot_minutes=slot)
    return RegisterResource(resource=vehicle)


def vehicles(**changeovers: int) -> Scenario:
    """A centre with some vehicles on a track of their own."""
    return fixture.fresh().given(*(looped(name, minutes, 30) for name, minutes in changeovers.items()))


@pytest.mark.parametrize(("first", "then"), [("SLOW", "QUICK"), ("QUICK", "SLOW")])
def test_the_longer_changeover_counts_in_both_directions(first: str, then: str) -> None:
    """Between two different members lies the longer of their changeovers, whoever comes first or is booked first."""
    for early, late in ((first, then), (then, first)):
        scenario = vehicles(SLOW=60, QUICK=0)
        scenario.given(book("ALPHA", line(early), start=TEN, hours=1))
        later, sooner = TEN + HOUR, TEN - HOUR
        for start in (later, sooner):
            assert scenario.refuses(book("ALPHA", line(late), start=start, hours=1)) == [Reason.CHANGEOVER_TOO_SHORT]
        scenario.books(book("ALPHA", line(late), start=later + HOUR, hours=1))


def test_members_with_different_slots_share_one_exact_calendar() -> None:
    """Half-hours of one member leave the other half of the hour to itself, whoever registered first."""
    scenario = fixture.fresh().given(looped("HOURS", 0, 60), looped("HALVES", 0, 30))
    scenario.given(
        book("ALPHA", line("HALVES"), start=TEN, hours=0.5),
        book("ALPHA", line("HALVES"), start=TEN + HOUR // 2, hours=0.5),
        book("ALPHA", line("HOURS"), start=TEN + HOUR, hours=1),
    )
    assert scenario.refuses(book("ALPHA", line("HOURS"), start=TEN, hours=1)) == [Reason.EXCLUSIVE_GROUP_BUSY]


def test_a_member_that_comes_along_is_a_member() -> None:
    """Equipment that brings a member of a group holds the group like anybody else."""
    rig = replace(fixture.track("RIG"), exclusive_group="", companions=(Companion(resource="T1", units=1),))
    scenario = fixture.fresh().given(RegisterResource(resource=rig), book("ALPHA", line("RIG"), start=TEN, hours=1))
    assert scenario.refuses(book("ALPHA", line("T2"), start=TEN, hours=1)) == [Reason.EXCLUSIVE_GROUP_BUSY]


def test_a_cancelled_member_frees_the_group() -> None:
    """After a cancellation and a release the group is as it was, in the snapshot too."""
    scenario = fixture.fresh()
    before = grids_of(scenario.centre, 0)
    scenario.cancels(scenario.books(book("ALPHA", line("T1"), start=TEN, hours=1)))
    assert grids_of(scenario.centre, 0) == before
    held = scenario.books(book("ALPHA", line("T1"), start=TEN, hours=4))
    scenario.reaches(TEN + HOUR // 2).releases(scenario.current(held))
    scenario.books(book("ALPHA", line("T2"), start=TEN + 2 * HOUR, hours=1))
    assert grids_of(scenario.restored(), TUESDAY) == grids_of(scenario.centre, TUESDAY)
