"""Reading: pages that neither repeat nor leave out, tokens for their own question, calendars that cover exactly."""

import base64
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.calendars.calendar import DAYS_BEHIND
from services.allocation.calendars.pool import Pool
from services.allocation.rejections import Rejected
from services.allocation.reservations import State
from services.allocation.resources import Closure, Kind
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.problems import Problem
from services.scheduler.reads import CALENDAR_DAYS_MAX, Page, Wanted, calendar_reply, list_reservations, list_resources
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, NOW, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

NOON = TUESDAY + 12 * HOUR
ANYTHING = Wanted("ALPHA", (), "", 0, 0)


def walk(scenario: Scenario, wanted: Wanted, size: int) -> Iterator[list[str]]:
    """Page after page, by the tokens."""
    token = ""
    for _ in range(100):
        page = Page.of(size, token, repr(wanted), default=50, most=1000)
        found, token = list_reservations(scenario.centre, wanted, page)
        yield [each.id for each in found]
        if not token:
            return
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_cover_everything_once_and_in_order(size: int) -> None:
    """By start and name, whatever the page size, with equal starts among them."""
    scenario = fixture.fresh()
    starts = [NOON, NOON + HOUR, NOON, NOON + 2 * HOUR, NOON, NOON + HOUR, NOON]
    scenario.given(*(book("ALPHA", line("cpu"), start=start, hours=1) for start in starts))
    scenario.given(book("BETA", line("cpu"), start=NOON, hours=1))
    walked = [name for names in walk(scenario, ANYTHING, size) for name in names]
    mine = [each for each in scenario.centre.reservations.values() if each.company == "ALPHA"]
    assert walked == [each.id for each in sorted(mine, key=lambda each: (each.start, each.id))]


def test_a_page_goes_on_after_its_last_item_is_gone() -> None:
    """What is booked between two pages neither repeats nor hides anything."""
    scenario = fixture.fresh().given(
        *(book("ALPHA", line("cpu"), start=NOON + n * HOUR, hours=1, reservation_id=f"r{n}") for n in (1, 3, 5))
    )
    page = Page.of(2, "", "q", default=50, most=1000)
    first, token = list_reservations(scenario.centre, ANYTHING, page)
    scenario.given(
        *(book("ALPHA", line("cpu"), start=NOON + n * HOUR, hours=1, reservation_id=f"r{n}") for n in (0, 4))
    )
    rest, end = list_reservations(scenario.centre, ANYTHING, Page.of(2, token, "q", default=50, most=1000))
    assert ([each.id for each in first + rest], end) == (["r1", "r3", "r4", "r5"], "")


def test_lists_keep_to_what_was_asked() -> None:
    """State, resource, and time each narrow the list; half-open intervals touch nothing at their edge."""
    scenario = fixture.fresh()
    early = scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1))
    late = scenario.books(book("ALPHA", line("a100", 1000), start=NOON + HOUR, hours=1))
    gone = scenario.cancels(scenario.books(book("ALPHA", line("cpu"), start=NOON, hours=1)))
    for change, expected in (
        ({"states": (State.CANCELLED,)}, {gone.id}),
        ({"resource": "a100"}, {late.id}),
        ({"start": NOON + HOUR}, {late.id}),
        ({"end": NOON + HOUR}, {early.id, gone.id}),
        ({"company": "BETA"}, set()),
        ({"company": ""}, {early.id, late.id, gone.id}),
    ):
        (names,) = walk(scenario, replace(ANYTHING, **change), 50)
        assert set(names) == expected, change


@cache
def a_token() -> str:
    """A token that was given out."""
    scenario = fixture.fresh().given(
        *(book("ALPHA", line("cpu"), start=NOON, hours=1, reservation_id=name) for name in ("r1", "r2"))
    )
    _, token = list_reservations(scenario.centre, ANYTHING, Page.of(1, "", "q", default=50, most=1000))
    return token


def test_a_token_belongs_to_its_question() -> None:
    """A token of another filter or another company is refused."""
    with pytest.raises(Problem):
        Page.of(1, a_token(), "another question", default=50, most=1000)


@given(st.data())
@examples(200)
def test_a_token_that_was_touched_is_refused(data: st.DataObject) -> None:
    """One character or one bit changed, cut off or added: the token is no longer one of ours."""
    token = a_token()
    place = data.draw(st.integers(0, len(token) - 1))
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[place % len(raw)] ^= 1 << data.draw(st.integers(0, 7))
    touched = data.draw(
        st.sampled_from(
            [
                token[:place],
                token + token[place],
                token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :],
                base64.urlsafe_b64encode(bytes(raw)).decode(),
                token[:place] + "\n" + token[place:],
            ]
        )
    )
    if touched in ("", token):
        return
    with pytest.raises(Problem):
        Page.of(1, touched, "q", default=50, most=1000)


@given(st.text(max_size=200))
@examples(50)
def test_a_token_made_up_is_refused(text: str) -> None:
    """Any text that is no token is an invalid argument, never an accident."""
    if text:
        with pytest.raises(Problem):
            Page.of(1, text, "q", default=50, most=1000)


def test_page_sizes() -> None:
    """Negative sizes are refused, nought is the default, and too many are cut."""
    with pytest.raises(Problem):
        Page.of(-1, "", "q", default=50, most=1000)
    assert [Page.of(size, "", "q", default=50, most=1000).size for size in (0, 1, 10**9)] == [50, 1, 1000]


def test_resources_are_listed_by_name_and_kind() -> None:
    """All resources in the order of their ids, or those of one kind."""
    scenario = fixture.fresh()
    page = Page.of(0, "", "q", default=100, most=500)
    found, token = list_resources(scenario.centre, None, page)
    assert ([each.id for each in found], token) == (sorted(scenario.centre.pools), "")
    found, _ = list_resources(scenario.centre, Kind.OPERATORS, page)
    assert [each.id for each in found] == ["OP"]


def interval(reply: api.CalendarInterval) -> tuple[int, int]:
    """Start and end in seconds."""
    return reply.start_time.seconds, reply.end_time.seconds


def assert_true(pool: Pool, held: list[tuple[int, int, int]], replies: list[api.CalendarInterval]) -> None:
    """Compare every cell of a reply with a count by hand."""
    cell = pool.calendar.cell_seconds
    for reply in replies:
        for moment in range(reply.start_time.seconds // cell * cell, reply.end_time.seconds, cell):
            reserved = sum(units for start, end, units in held if start < moment + cell and moment < end)
            closed = {
                index
                for closure in pool.resource.closures
                for index, node in enumerate(pool.resource.nodes)
                if closure.start < moment + cell and moment < closure.end and closure.zone in ("", node.zone)
            }
            free = pool.resource.capacity - reserved - len(closed) * pool.resource.units_per_node
            is_open = pool.is_open(((moment, moment + 1),))
            assert (reply.reserved_units, reply.open) == (reserved, is_open)
            assert reply.free_units == (free if is_open else 0)
            assert reply.closed_units == len(closed) * pool.resource.units_per_node
            assert bool(reply.closures) == bool(closed)


bookings = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 30), st.integers(1, 4)), max_size=12)


@given(
    bookings,
    st.sampled_from(["cpu", "h100", "M01", "T1", "OP", "N01"]),
    st.integers(0, 5 * DAY),
    st.integers(1, 20 * DAY),
)
@examples(40)
def test_calendars_cover_exactly_and_count_right(
    wishes: list[tuple[int, int, int]], name: str, shift: int, length: int
) -> None:
    """Stretches follow each other over just what was asked, neighbours differ, and each is counted right."""
    closures = (
        Closure(start=at("2026-03-08 09:20"), end=at("2026-03-08 18:00"), zone="Z-A"),
        Closure(start=at("2026-03-08 17:00"), end=at("2026-03-09 03:00")),
    )
    resources = [replace(each, closures=closures) if each.id in ("cpu", "h100") else each for each in fixture.RESOURCES]
    scenario = Scenario.of(*resources, *fixture.COMPANIES, *fixture.QUOTAS, now=NOW)
    held = []
    for start, hours, units in wishes:
        wish = book("ALPHA", line(name, units * (8 if name == "h100" else 1)), start=NOW + start * HOUR, hours=hours)
        try:
            reservation = scenario.books(wish)
        except Rejected:
            continue
        held += [
            (*span, each.units) for each in reservation.allocations if each.resource == name for span in each.spans
        ]
    pool = scenario.centre.pools[name]
    start, end = MONDAY + shift, MONDAY + shift + length
    replies = calendar_reply(pool, start, end, NOW)
    edges = [interval(each) for each in replies]
    assert (edges[0][0], edges[-1][1]) == (start, end)
    assert all(left[1] == right[0] and left[0] < left[1] for left, right in pairwise(edges))
    shown = [(each.free_units, each.reserved_units, each.open, list(each.closures)) for each in replies]
    assert all(left != right for left, right in pairwise(shown))
    assert_true(pool, held, replies)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NOON, NOON),
        (NOON, NOON - HOUR),
        (NOON, NOON + CALENDAR_DAYS_MAX * DAY + 1),
        (NOW - DAYS_BEHIND * DAY - 1, NOON),
        (NOW + 300 * DAY, NOW + 301 * DAY),
    ],
    ids=["empty", "reversed", "too-long", "too-old", "too-far"],
)
def test_a_calendar_has_bounds(start: int, end: int) -> None:
    """What no calendar reaches is an invalid argument that names the field."""
    with pytest.raises(Problem):
        calendar_reply(fixture.fresh().centre.pools["cpu"], start, end, NOW)


def test_a_calendar_tells_no_names() -> None:
    """P8: free and busy have nothing but times and counts, and what is out and why."""
    fields = {field.name for field in api.CalendarInterval.DESCRIPTOR.fields}
    assert fields == {"start_time", "end_time", "free_units", "reserved_units", "open", "closed_units", "closures"} | {
        "funded_units"
    }
