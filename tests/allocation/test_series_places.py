"""Occurrences that stand in one another's places: all old places are given up and all new ones taken, or none is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation import image
from services.allocation.commands import BookSeries
from services.allocation.events import AllocationsMoved
from services.allocation.recurrence import changing_places
from services.allocation.rejections import Reason, Rejected
from services.allocation.series import Effect, Occurrence, Policy
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import NOW
from tests.allocation.scenario import DAY, HOUR, Scenario, book, grids_of, line
from tests.allocation.test_series import ELEVEN, booked, daily
from tests.allocation.test_series_changing import asking, changed, effects

NODES = 4
"""Of 8 GPUs each, in the pool that these series are about."""
POLICIES = [Policy.FAIL, Policy.SKIP, Policy.SHIFT]


def series_at(starts: list[int], hours: int, **wish: Any) -> BookSeries:
    """A series at just these times, of all of a pool unless the wish says less."""
    made = daily(len(starts), **{"resource": "h100", "units": 8 * NODES, **wish})
    times = tuple(Occurrence(start=start, end=start + hours * HOUR) for start in starts)
    return replace(made, series=replace(made.series, occurrences=times, duration=hours * HOUR))


def turned(count: int = 3, **wish: Any) -> tuple[Scenario, list[int]]:
    """A series whose occurrences were changed alone until each stood where the one after it should."""
    starts = [ELEVEN + day * DAY for day in range(count)]
    scenario = fixture.fresh().given(book("ALPHA", line("h100", 8), start=ELEVEN + 40 * DAY, hours=1))
    booked(scenario, series_at(starts, 6, **wish))
    scenario.given(book("ALPHA", line("h100", 8), start=ELEVEN + 40 * DAY, hours=1))
    aside = ELEVEN + 20 * DAY
    for day, start in ((count - 1, aside), *((day, starts[day + 1]) for day in reversed(range(count - 1)))):
        moves(scenario, f"s1-{day}", start)
    moves(scenario, f"s1-{count - 1}", starts[0])
    return scenario, starts


def moves(scenario: Scenario, name: str, start: int) -> None:
    """One occurrence is changed alone: it begins then, and lasts as long."""
    stands = scenario.centre.reservations[name]
    scenario.changes(stands, start=start, duration=stands.end - stands.start)


def where(scenario: Scenario, count: int = 3) -> list[int]:
    """When each occurrence begins."""
    return [scenario.centre.reservations[f"s1-{day}"].start for day in range(count)]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("count", [2, 3, 5])
def test_occurrences_change_places_in_one_decision(policy: Policy, count: int) -> None:
    """P1: a ring of occurrences, each in the next one's place, is granted by every policy, and double books nothing."""
    scenario, starts = turned(count)
    assert where(scenario, count) == [*starts[1:], starts[0]]
    wish = asking(scenario, starts, first="2026-03-03T11:00", overwrites=True, policy=policy)
    before = image.digest(scenario.centre), {name: [*pool.waiting] for name, pool in scenario.centre.pools.items()}
    grids = grids_of(scenario.centre, NOW)
    told = scenario.decided(wish)
    after = image.digest(scenario.centre), {name: [*pool.waiting] for name, pool in scenario.centre.pools.items()}
    assert (after, grids_of(scenario.centre, NOW)) == (before, grids), "a look at it leaves no trace"
    scenario.tell(told)
    assert where(scenario, count) == starts
    assert effects(told[-1].series) == ["changed"] * count
    for again in (scenario.replayed(), scenario.restored()):
        assert image.digest(again) == image.digest(scenario.centre)
        assert grids_of(again, NOW) == grids_of(scenario.centre, NOW)


def test_this_and_the_following_change_places() -> None:
    """A ring among what begins from a time on is turned, and what comes before it stays."""
    scenario, starts = turned(4)
    moves(scenario, "s1-3", ELEVEN + 30 * DAY)
    moves(scenario, "s1-0", starts[0])
    moves(scenario, "s1-3", starts[1])
    assert where(scenario, 4) == [starts[0], starts[2], starts[3], starts[1]]
    after = changed(scenario, starts, since=starts[1], first="2026-03-03T11:00", overwrites=True)
    assert where(scenario, 4) == starts
    assert effects(after) == ["", "changed", "changed", "changed"]


@pytest.mark.parametrize("days", [1, 7, -1])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_series_slides_along_itself(days: int, policy: Policy) -> None:
    """Every day to the next, or every week: all stand where the rule has them now, by every policy."""
    step = max(1, abs(days))
    starts = [ELEVEN + (5 + number * step) * DAY for number in range(4)]
    scenario = fixture.fresh()
    booked(scenario, series_at(starts, 24))
    asked = [start + days * DAY for start in starts]
    changed(scenario, asked, first="2026-03-09T11:00", policy=policy)
    assert sorted(where(scenario, 4)) == asked


def turned_in_a_room() -> tuple[Scenario, list[int]]:
    """Two occurrences in an exclusive room, each in the other's place."""
    scenario, starts = fixture.fresh(), [ELEVEN, ELEVEN + DAY]
    booked(scenario, series_at(starts, 1, resource="T1", units=1))
    for name, start in (("s1-0", starts[0] + 3 * HOUR), ("s1-1", starts[0]), ("s1-0", starts[1])):
        moves(scenario, name, start)
    return scenario, starts


def test_a_member_of_an_exclusive_group_changes_places() -> None:
    """A room's exclusiveness and its changeover are asked of how everything will stand, not of how it stood."""
    scenario, starts = turned_in_a_room()
    changed(scenario, starts, first="2026-03-03T11:00", overwrites=True)
    assert where(scenario, 2) == starts


def test_room_is_made_by_moving_others_and_never_by_what_gives_up_its_place() -> None:
    """Who is lifted stands nowhere: whoever waits beside it is arranged anew as if it were not there."""
    scenario, (today, tomorrow) = fixture.fresh(), (ELEVEN, ELEVEN + DAY)
    scenario.given(book("ALPHA", line("h100", 16), start=tomorrow, hours=6))
    booked(scenario, series_at([today, tomorrow], 6, units=16))
    for name, hours in (("s1-0", 72), ("s1-1", 0)):
        moves(scenario, name, today + hours * HOUR)
    scenario.changes(scenario.centre.reservations["s1-1"], duration=12 * HOUR)
    scenario.given(book("ALPHA", line("h100", 16), start=today, hours=12))
    moves(scenario, "s1-0", tomorrow)
    stands = scenario.centre.reservations["s1-0"].allocations[0].bins
    halves = [scenario.books(book("ALPHA", line("h100", 16), start=tomorrow + 6 * HOUR, hours=6)) for _ in range(2)]
    kept, given_back = sorted(halves, key=lambda half: half.allocations[0].bins != stands)
    scenario.cancels(given_back)
    assert kept.allocations[0].bins == stands, "nowhere is anything free for twelve hours, unless somebody moves"
    told = scenario.decided(asking(scenario, [today, tomorrow], first="2026-03-03T11:00", overwrites=True))
    scenario.tell(told)
    assert where(scenario, 2) == [today, tomorrow]
    moved = {event.reservation_id for event in told if isinstance(event, AllocationsMoved)}
    assert moved
    assert not moved & {"s1-0", "s1-1"}


def test_who_is_lifted_waits_nowhere_and_then_where_it_waited() -> None:
    """Nobody is arranged anew around what has let go of its place; at the end the rows are as they were."""
    scenario, _ = turned(2)
    centre, waiting = scenario.centre, scenario.centre.pools["h100"].waiting
    before, grids = [*waiting], grids_of(centre, NOW)
    with changing_places.Lifted(centre, [centre.reservations["s1-1"]]):
        assert [*waiting] == [name for name in before if name != "s1-1"]
        assert grids_of(centre, NOW) != grids
    assert ([*waiting], grids_of(centre, NOW)) == (before, grids)


def test_to_fail_loses_no_place_and_names_what_is_in_the_way() -> None:
    """P3: a ring with somebody else in one of its places is refused for that place alone, and stays."""
    scenario, starts = turned(3)
    moves(scenario, "s1-0", ELEVEN + 30 * DAY)
    scenario.given(book("ALPHA", line("h100", 8), start=starts[1], hours=6))
    before, grids = where(scenario), grids_of(scenario.centre, NOW)
    refusal = scenario.refusal(asking(scenario, starts, first="2026-03-03T11:00", overwrites=True))
    assert [(each.reason, each.description[:20]) for each in refusal.violations] == [
        (Reason.NO_CAPACITY, "On 2026-03-04 11:00 ")
    ]
    assert (where(scenario), grids_of(scenario.centre, NOW)) == (before, grids)


def test_to_skip_turns_the_ring_and_leaves_what_is_refused() -> None:
    """What another stands in the way of stays as it was; two that only need each other's places get them."""
    scenario, starts = turned(2)
    far = ELEVEN + 9 * DAY
    changed(scenario, [*starts, far], recurrence=("x",))
    third = next(each for each in scenario.centre.reservations.values() if each.start == far)
    scenario.changes(third, start=far + 6 * HOUR, duration=6 * HOUR)
    scenario.given(book("ALPHA", line("h100", 8), start=far, hours=1))
    wish = {"first": "2026-03-03T11:00", "overwrites": True, "policy": Policy.SKIP}
    after = changed(scenario, [*starts, far], **wish)
    assert (where(scenario, 2), effects(after)) == (starts, ["changed", "changed", "left"])
    assert scenario.current(third).start == far + 6 * HOUR
    assert after.occurrences[2].reasons == ("NO_CAPACITY",)


def test_to_shift_puts_later_what_cannot_be_had_and_turns_the_rest() -> None:
    """One of the ring finds its place taken and is put later on its day, so that the others get theirs."""
    scenario, starts = turned(3, units=8 * NODES)
    moves(scenario, "s1-0", starts[1] + 6 * HOUR)
    scenario.given(book("ALPHA", line("h100", 8), start=starts[1], hours=2))
    after = changed(scenario, starts, first="2026-03-03T11:00", overwrites=True, policy=Policy.SHIFT)
    assert where(scenario) == [starts[0], starts[1] + 2 * HOUR, starts[2]]
    assert [each.shifted_from for each in after.occurrences] == [0, starts[1], 0]


def test_what_is_given_up_late_is_late_in_a_ring_as_well() -> None:
    """Time that others have lost is a strike, though the whole series holds as much as before."""
    scenario = fixture.fresh()
    starts = [ELEVEN, ELEVEN + HOUR]
    scenario.also(replace(fixture.track("hall"), free_cancel_hours=48))
    booked(scenario, series_at(starts, 1, resource="hall", units=1))
    for name, start in (("s1-0", ELEVEN + 3 * HOUR), ("s1-1", ELEVEN), ("s1-0", ELEVEN + HOUR)):
        scenario.changes(scenario.centre.reservations[name], start=start, duration=HOUR, excused=True)
    wish = asking(scenario, starts, first="2026-03-03T11:00", overwrites=True)
    excused = [event.__struct_config__.tag for event in scenario.decided(replace(wish, excused=True))]
    assert excused == ["reservation_changed", "reservation_changed", "series_changed"]
    scenario.grants(wish)
    assert len(scenario.centre.records.conduct("ALPHA").strikes) == 2
    assert where(scenario, 2) == starts


def test_a_ring_costs_a_bounded_number_of_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no decisions left for it the ring stays as it was, and so do its places."""
    scenario, starts = turned(3)
    before = where(scenario)
    monkeypatch.setattr(changing_places, "DECISIONS_MAX", 2)
    wish = asking(scenario, starts, first="2026-03-03T11:00", overwrites=True)
    assert set(scenario.refuses(wish)) == {Reason.NO_CAPACITY}
    assert where(scenario) == before


Slot = tuple[int, int]
"""The first hour after the first Tuesday's eleven o'clock, and the one after the last."""


def fits(taken: list[tuple[Slot, int]]) -> bool:
    """Whether so many nodes in each of these hours are never more than there are."""
    hours = {hour for (first, last), _ in taken for hour in range(first, last)}
    return all(sum(nodes for (first, last), nodes in taken if first <= hour < last) <= NODES for hour in hours)


hours_of_days = st.integers(0, 5 * 4).map(lambda number: number * 6)


@given(
    nodes=st.integers(1, NODES),
    length=st.sampled_from([6, 12, 24]),
    alone=st.lists(st.tuples(st.integers(0, 4), hours_of_days, st.sampled_from([6, 12, 18])), max_size=14),
    others=st.lists(st.tuples(hours_of_days, st.sampled_from([6, 12, 30]), st.integers(1, NODES)), max_size=8),
    later=st.sampled_from([0, 0, 6, -6, 12]),
    fewer=st.sampled_from([None, None, 1, 2]),
    since=st.sampled_from([0, 0, 1, 2]),
    policy=st.sampled_from([Policy.FAIL, Policy.FAIL, Policy.SKIP]),
)
@examples(200)
def test_changing_places_agrees_with_counting_hours(
    nodes: int,
    length: int,
    alone: list[tuple[int, int, int]],
    others: list[tuple[int, int, int]],
    later: int,
    fewer: int | None,
    since: int,
    policy: Policy,
) -> None:
    """P1: to fail grants exactly what fits in every hour at the end; to skip leaves nothing that could be had."""
    quotas = [each for each in fixture.QUOTAS if each.company == "ALPHA"]
    scenario = Scenario.of(fixture.H100, fixture.ALPHA, *quotas, now=NOW)
    own = [ELEVEN + day * DAY for day in range(5)]
    booked(scenario, series_at(own, length, units=8 * nodes))
    for number, hour, long in alone:
        wish = {"start": ELEVEN + hour * HOUR, "duration": long * HOUR}
        try:
            scenario.changes(scenario.centre.reservations[f"s1-{number}"], **wish)
        except Rejected:
            continue
    for hour, long, some in others:
        try:
            scenario.grants(book("ALPHA", line("h100", 8 * some), start=ELEVEN + hour * HOUR, hours=long))
        except Rejected:
            continue
    before = {name: slot_of(scenario, name) for name in scenario.centre.reservations}
    asked_nodes = fewer or nodes
    lines = (line("h100", 8 * asked_nodes),) if fewer else None
    wanted = {
        f"s1-{day}": ((day * 24 + later, day * 24 + later + long_of(before[f"s1-{day}"])), asked_nodes)
        for day in range(5)
        if before[f"s1-{day}"][0][0] >= since * 24
    }
    wish = asking(
        scenario, [start + later * HOUR for start in own], since=ELEVEN + since * DAY if since else 0, lines=lines,
        first="2026-03-03T11:00", overwrites=True, policy=policy,
    )  # fmt: skip
    stays = {name: slot for name, slot in before.items() if name not in wanted}
    moved = wanted != {name: before[name] for name in wanted}
    grids = grids_of(scenario.centre, NOW)
    try:
        made = scenario.grants(wish)
    except Rejected:
        assert grids_of(scenario.centre, NOW) == grids
        if wanted and policy is Policy.FAIL:
            assert not fits([*stays.values(), *wanted.values()])
        return
    after = {name: slot_of(scenario, name) for name in scenario.centre.reservations}
    if policy is Policy.FAIL:
        assert after == {**stays, **wanted}
        return
    left = {each.reservation_id for each in made.occurrences if each.effect is Effect.LEFT}
    assert moved or not left
    assert after == {**stays, **wanted, **{name: before[name] for name in left}}
    for some in ({name} for name in left):
        assert not fits([wanted[name] if name in some else slot for name, slot in after.items()])
    assert not left or not fits([wanted.get(name, slot) if name in left else slot for name, slot in after.items()])


def long_of(stands: tuple[Slot, int]) -> int:
    """How many hours are held."""
    return stands[0][1] - stands[0][0]


def slot_of(scenario: Scenario, name: str) -> tuple[Slot, int]:
    """The hours and the nodes of a reservation."""
    stands = scenario.centre.reservations[name]
    return ((stands.start - ELEVEN) // HOUR, (stands.end - ELEVEN) // HOUR), stands.lines[0].units // 8
