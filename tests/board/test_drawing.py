"""Markup and drawings: nothing unescaped, nothing hidden."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.board.frame.visit import local_path
from services.board.paper.markup import el, join
from services.board.paper.times import ZOOMS, Window, day_of, to_timestamp
from services.board.timeline.rows import Bar, lanes, overlaps
from services.board.usage.charts import ceiling
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def bar(start: int, end: int, units: int = 1) -> Bar:
    """A bar from so many hours after noon to so many."""
    allocation = api.Allocation(resource="resources/X", units=units)
    return Bar(api.Reservation(), allocation, NOON + timedelta(hours=start), NOON + timedelta(hours=end))


@given(st.text(), st.text())
def test_text_never_becomes_markup(text: str, value: str) -> None:
    """Whatever stands in an element or an attribute, the only tags are our own."""
    made = el("p", text, [text], title=value)
    inside = made.removeprefix('<p title="').removesuffix("</p>")
    assert inside.count("<") == 0
    assert made.count('"') == 2


def test_elements_are_as_html_wants_them() -> None:
    """Void elements have no end, bare attributes no value, and what is nothing is left out."""
    assert el("input", name="a", required=True, value=None, disabled=False) == '<input name="a" required>'
    assert el("a", None, "x", 3, [el("b", "<")], class_="y", aria_label="&") == (
        '<a class="y" aria-label="&amp;">x3<b>&lt;</b></a>'
    )
    assert el("rect", x=1.5) == '<rect x="1.5"/>'
    assert join(["a", None]) == "a"


def test_bars_that_overlap_stand_in_lanes() -> None:
    """Each bar has the first lane that is free when it starts."""
    placed, count = lanes([bar(0, 4), bar(1, 2), bar(2, 3), bar(3, 6), bar(4, 5)])
    assert [lane for lane, _ in placed] == [0, 1, 1, 1, 0]
    assert count == 2


def test_more_than_there_is_is_found() -> None:
    """Bars that hold more together than the capacity are an overlap, for exactly as long as they do."""
    assert overlaps(2, [bar(0, 4), bar(1, 3), bar(3, 5)], None) == []
    [(start, end)] = overlaps(2, [bar(0, 4), bar(1, 5), bar(3, 6)], None)
    assert (start, end) == (NOON + timedelta(hours=3), NOON + timedelta(hours=4))
    [(start, end)] = overlaps(1, [bar(0, 9), bar(4, 5)], None)
    assert end - start == timedelta(hours=1)


def test_a_calendar_that_says_too_much_is_held_is_found() -> None:
    """A company, which sees no bars of others, sees the overlap all the same."""
    calendar = api.Calendar(capacity_units=1)
    calendar.intervals.add(
        start_time=to_timestamp(NOON), end_time=to_timestamp(NOON + timedelta(hours=1)), reserved_units=2
    )
    assert len(overlaps(1, [], calendar)) == 1


@pytest.mark.parametrize("zoom", ZOOMS)
def test_windows_follow_one_another(zoom: str) -> None:
    """What comes after what came before is the same window, over the end of a year and of February too."""
    for day in (date(2026, 3, 1), date(2025, 12, 31), date(2028, 2, 29)):
        window = Window.around(day, next(each for each in ZOOMS if each == zoom))
        assert window.first <= day < window.last
        assert window.before().last == window.first
        assert window.before().after() == window
        assert len(list(window.days())) in (1, 7, 28, 29, 30, 31)


@pytest.mark.parametrize("text", ["", "2026-13-01", "9999-12-31", "0001-01-01", "<script>", "2026-03-01T00:00"])
def test_a_day_that_is_none_is_today(text: str) -> None:
    """An odd address shows today."""
    assert day_of(text, date(2026, 3, 2)) == date(2026, 3, 2)


@pytest.mark.parametrize(
    "text", ["//evil.test", "https://evil.test", "/\\evil.test", "evil", "", "/a\nb", "javascript:x"]
)
def test_nobody_is_sent_to_another_site(text: str) -> None:
    """Only a path of this board is gone on to."""
    assert local_path(text) == "/"


@given(st.floats(min_value=0, max_value=1e9))
def test_the_top_of_a_scale_is_round_and_high_enough(value: float) -> None:
    """Every column fits under it, and fills at least half of it unless it is tiny."""
    top = ceiling(value)
    assert top >= value
    assert value < 0.1 or value >= top / 2 or top == 1.0
