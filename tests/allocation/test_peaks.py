"""Peak hours: what counts is what the clock on the wall shows, and parts always add up to the whole."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.commands import PublishTariff
from services.allocation.measures import DAY_MINUTES
from services.allocation.money.publishing import peak_faults
from services.allocation.prices.peaks import PeakHours
from services.allocation.prices.pricing import Rate, rate_of
from services.allocation.rejections import Reason
from services.allocation.resources import Interval
from services.allocation.values.tariff import Peak
from tests.allocation import fixture
from tests.allocation.fixture import ALPHA, H100, M01, TARIFF
from tests.allocation.scenario import SEOUL, at

ZONES = ("Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
"""Without summer time, with it, on the other side of the world, and by half an hour."""
CHANGES = (1_774_746_000, 1_772_953_200, 1_792_890_000, 1_775_314_800, 1_791_039_600)
"""Moments of 2026 near which one of these zones puts its clocks forward or back."""
NIGHT = Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60, ends=30 * 60, percent=70)
OFFICE = Peak(weekdays=(0, 1, 2, 3, 4), starts=9 * 60, ends=18 * 60, percent=150, resources=("h100", "M01"))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Peak, ...]:
    """Some windows that do not overlap, by day and over midnight."""
    found: list[Peak] = []
    for _ in range(draw(st.integers(1, 4))):
        starts = draw(st.integers(0, DAY_MINUTES - 1))
        peak = Peak(
            weekdays=tuple(draw(st.sets(st.integers(0, 6), min_size=1))),
            starts=starts,
            ends=draw(st.integers(starts + 1, starts + DAY_MINUTES)),
            percent=draw(st.integers(0, 300)),
        )
        if not list(peak_faults((*found, peak), set())):
            found.append(peak)
    return tuple(found)


@st.composite
def spans(draw: st.DrawFn) -> tuple[Interval, ...]:
    """Up to three stretches of whole minutes near a change of the clocks, in order."""
    moment = draw(st.sampled_from(CHANGES)) + 60 * draw(st.integers(-3000, 600))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        start = moment + 60 * draw(st.integers(0, 300))
        moment = start + 60 * draw(st.integers(1, 900))
        found.append((start, moment))
    return tuple(found)


def by_the_clock(peaks: tuple[Peak, ...], moment: int, zone: str) -> int:
    """The per cent at a moment, read off the wall clock."""
    wall = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    for peak in peaks:
        today = wall.weekday() in peak.weekdays and peak.starts <= minute < peak.ends
        since_yesterday = (wall.weekday() - 1) % 7 in peak.weekdays and minute + DAY_MINUTES < peak.ends
        if today or since_yesterday:
            return peak.percent
    return 100


@settings(max_examples=60, deadline=None)
@given(windows(), spans(), st.sampled_from(ZONES))
def test_every_minute_counts_as_the_clock_shows_it(
    peaks: tuple[Peak, ...], held: tuple[Interval, ...], zone: str
) -> None:
    """Minute by minute off the wall clock comes to the same, also when the clocks are put forward and back."""
    hours = PeakHours(peaks, ZoneInfo(zone))
    for start, end in held:
        minutes = range(start, end, 60)
        naive = [by_the_clock(peaks, minute, zone) for minute in minutes]
        assert [hours.percent_at(minute) for minute in minutes] == naive
        assert hours.percent_seconds(start, end) == 60 * sum(naive)


@given(
    windows(),
    spans(),
    st.sampled_from(ZONES),
    st.lists(st.integers(-5000, 200_000)),
    st.integers(0, 10_000),
    st.sampled_from([0, 1800, 14_400]),
)
@settings(max_examples=60, deadline=None)
def test_parts_of_a_price_add_up(
    peaks: tuple[Peak, ...], held: tuple[Interval, ...], zone: str, cuts: list[int], units: int, slot: int
) -> None:
    """However it is cut, the prices of the parts are never negative, and together they are the price of the whole."""
    rate = Rate(
        numerator=1207 * 83,
        denominator=60_000 * 100,
        share_step=125,
        slot_seconds=slot,
        peaks=PeakHours(peaks, ZoneInfo(zone)),
    )
    moments = sorted(held[0][0] + cut for cut in cuts)
    prices = [rate.price(units, held, moment) for moment in (held[0][0], *moments, held[-1][1])]
    parts = [after - before for before, after in pairwise(prices)]
    assert prices[0] == 0
    assert min(parts) >= 0
    assert sum(parts) == rate.price(units, held, held[-1][1])


@settings(max_examples=40, deadline=None)
@given(spans(), st.integers(1, 10_000), st.sampled_from([0, 3600]), st.integers(-100, 50_000))
def test_windows_of_a_hundred_per_cent_change_nothing(
    held: tuple[Interval, ...], units: int, slot: int, cut: int
) -> None:
    """A price that counts as itself all day is the price without windows, also up to a second within a minute."""
    plain = Rate(numerator=1207, denominator=6000, share_step=125, slot_seconds=slot)
    same = replace(plain, peaks=PeakHours([replace(NIGHT, percent=100)], ZoneInfo("Europe/Berlin")))
    until = held[0][0] + cut
    assert same.price(units, held, until) == plain.price(units, held, until)


def test_a_night_is_cheaper_and_office_hours_are_dearer() -> None:
    """Eight GPUs from noon to midnight: six hours at 150 %, four at the price itself, two at 70 %."""
    card = replace(TARIFF, peaks=(NIGHT, OFFICE))
    rate = rate_of(card, replace(ALPHA, programme="", attributes={}), H100, SEOUL)
    span = (at("2026-03-03 12:00"), at("2026-03-04 00:00"))
    assert rate.price(8, (span,), span[1]) == 8 * 3000 * (6 * 150 + 4 * 100 + 2 * 70) // 100


def test_a_slot_counts_as_the_clock_stands_when_it_begins() -> None:
    """Of two slots of four hours the one that begins at 14:00 is charged as then, also what of it lies after 18:00."""
    card = replace(TARIFF, peaks=(replace(OFFICE, starts=10 * 60), NIGHT))
    rate = rate_of(card, replace(ALPHA, programme="", attributes={}), M01, SEOUL)
    held = ((at("2026-03-03 09:00"), at("2026-03-03 13:00")), (at("2026-03-03 15:00"), at("2026-03-03 19:00")))
    assert rate.price(1, held, held[-1][1]) == 600_000 + 900_000


def test_what_has_no_window_is_priced_without_any() -> None:
    """A window that names resources changes the price of no other."""
    card = replace(TARIFF, peaks=(replace(OFFICE, resources=("h100",)),))
    assert rate_of(card, ALPHA, M01, SEOUL).peaks is None
    assert rate_of(card, ALPHA, H100, SEOUL).peaks is not None


@pytest.mark.parametrize(
    "peaks",
    [
        (replace(NIGHT, weekdays=()),),
        (replace(NIGHT, weekdays=(0, 0)),),
        (replace(NIGHT, weekdays=(7,)),),
        (replace(NIGHT, starts=-1),),
        (replace(NIGHT, starts=24 * 60),),
        (replace(NIGHT, ends=22 * 60),),
        (replace(NIGHT, ends=22 * 60 + DAY_MINUTES + 1),),
        (replace(NIGHT, percent=-1),),
        (replace(NIGHT, percent=1001),),
        (replace(NIGHT, resources=("cpu",)),),
        (NIGHT, replace(OFFICE, starts=5 * 60)),
        tuple(replace(NIGHT, starts=hour, ends=hour + 1) for hour in range(25)),
    ],
)
def test_windows_that_make_no_sense_are_refused(peaks: tuple[Peak, ...]) -> None:
    """No days, hours or prices that are none, a resource without a price, two at once, or too many."""
    assert fixture.fresh().refuses(PublishTariff(tariff=replace(TARIFF, peaks=peaks))) == [Reason.INVALID_TARIFF]


def test_windows_may_touch_and_concern_different_resources() -> None:
    """A window may begin when another ends, and overlap one of another resource."""
    day = replace(OFFICE, starts=6 * 60, ends=22 * 60, resources=("M01",))
    peaks = (NIGHT, day, replace(day, resources=("h100",)))
    scenario = fixture.fresh()
    made = scenario.grants(PublishTariff(tariff=replace(TARIFF, peaks=peaks)))
    assert made == replace(TARIFF, peaks=peaks, valid_from=scenario.now)
    assert scenario.replayed().cards.published == scenario.centre.cards.published
