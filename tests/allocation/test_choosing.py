"""Choosing among offers: each is granted as given, and none that was tried is earlier, cheaper or closer."""

import contextlib
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.booking.creating import create_reservation
from services.allocation.commands import PublishTariff
from services.allocation.events import ReservationConfirmed
from services.allocation.money.costing import cost_of, drafted, price_of
from services.allocation.offering import seeking
from services.allocation.offering.choice import Choice, Chosen, Offered, Order
from services.allocation.offering.choosing import choose, choosing
from services.allocation.offering.offers import Search, search
from services.allocation.offering.steps import at_once
from services.allocation.offering.variants import VARIANTS_MAX, Variant, varying
from services.allocation.prices.peaks import PeakHours
from services.allocation.prices.pricing import Rate
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Line
from services.allocation.values.tariff import Peak, Price
from tests.allocation import fixture
from tests.allocation.examples import examples
from tests.allocation.fixture import MONDAY, NEXT_MONDAY, NOW, TARIFF, TUESDAY
from tests.allocation.scenario import DAY, HOUR, Scenario, at, book, line

NIGHT = Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=22 * 60, ends=30 * 60, percent=70)
CARD = replace(TARIFF, prices=(*TARIFF.prices, Price(resource="cpu", krw=20), Price(resource="a100", krw=1200)))


def priced() -> Scenario:
    """The whole centre, with a rate card that is cheaper at night."""
    return fixture.fresh().given(PublishTariff(tariff=replace(CARD, peaks=(NIGHT,))))


def looking(*lines: Line, shortest: float = 1, longest: float = 0, **more: object) -> Choice:
    """A choice within two days, for so many hours."""
    fields: dict[str, object] = {
        "company": "ALPHA",
        "lines": lines,
        "fewest": tuple(each.units for each in lines),
        "shortest": int(shortest * HOUR),
        "longest": int((longest or shortest) * HOUR),
        "earliest": NOW,
        "latest": NOW + 2 * DAY,
        "count": 3,
    }
    return Choice(**{**fields, **more})  # type: ignore[arg-type]  # The fields of a choice.


def chosen(scenario: Scenario, choice: Choice) -> Chosen:
    """What is found; every offer is granted as given, at the price that it has, and every refused window is refused."""
    found = choose(scenario.centre, choice, scenario.now)
    for offer in found.offers:
        wish = choice.command(offer.lines, offer.start, offer.end - offer.start)
        decided = create_reservation(scenario.centre, wish, scenario.now)
        made = drafted(decided, scenario.now)
        assert offer.price == price_of(scenario.centre, made)
        assert (offer.price.krw if offer.price else 0) == cost_of(scenario.centre, made).krw
        assert choice.earliest <= offer.start < offer.end <= choice.latest
        assert choice.shortest <= offer.end - offer.start <= choice.longest
        for least, each, most in zip(choice.fewest, offer.lines, choice.lines, strict=True):
            assert least <= each.units <= most.units
    assert len({offer.start for offer in found.offers}) == len(found.offers) <= choice.count
    longest = tried(scenario, choice)[0].duration
    for windows in found.explained.windows:
        for start in {windows.first_start, windows.last_start}:
            with pytest.raises(Rejected):
                create_reservation(scenario.centre, choice.command(choice.lines, start, longest), scenario.now)
    return found


def tried(scenario: Scenario, choice: Choice) -> list[Variant]:
    """The variants of a choice."""
    longest = max(choice.shortest, min(choice.longest, choice.latest - choice.earliest))
    return at_once(varying(scenario.centre, choice.lines, choice.fewest, (choice.shortest, longest), choice.earliest))


def by_asking(scenario: Scenario, choice: Choice) -> dict[tuple[int, int, tuple[Line, ...]], tuple[int, int]]:
    """Price and distance of everything that is granted of every variant, by asking for each half hour."""
    found = {}
    for variant in tried(scenario, choice):
        for start in range(choice.earliest, choice.latest - variant.duration + 1, HOUR // 2):
            wish = choice.command(variant.lines, start, variant.duration)
            try:
                decided = create_reservation(scenario.centre, wish, scenario.now)
            except Rejected:
                continue
            price = cost_of(scenario.centre, drafted(decided, scenario.now)).krw
            away = abs(start - (choice.desired or choice.earliest)) + variant.short
            found[start, start + variant.duration, variant.lines] = price, away
    return found


demands = st.sampled_from(
    [
        (line("cpu", 100),),
        (line("a100", 8000),),
        (line("h100", 16),),
        (line("M01"),),
        (line("C24"), line("a100", 4000)),
        (line("T1"),),
    ]
)


@given(
    st.lists(st.tuples(demands, st.integers(0, 40), st.integers(1, 20)), max_size=10),
    demands,
    st.sampled_from([(1, 1), (4, 4), (2, 5), (4, 9), (9, 30)]),
    st.booleans(),
    st.sampled_from(list(Order)),
    st.integers(0, 40),
)
@examples(25)
def test_nothing_that_was_tried_is_better(
    booked: list[tuple[tuple[Line, ...], int, int]],
    lines: tuple[Line, ...],
    hours: tuple[int, int],
    fewer: bool,
    order: Order,
    desired: int,
) -> None:
    """The first offer is the earliest, the cheapest or the closest of all that asking for each half hour would give."""
    scenario = priced()
    for wish, start, length in booked:
        try:
            scenario.books(book("ALPHA", *wish, start=MONDAY + (9 + start) * HOUR, hours=length))
        except Rejected:
            continue
    fewest = tuple(1 if fewer else each.units for each in lines)
    choice = looking(*lines, shortest=hours[0], longest=hours[1], fewest=fewest, order=order)
    choice = replace(choice, desired=NOW + desired * HOUR, refused=3)
    found, asked = chosen(scenario, choice), by_asking(scenario, choice)
    assert bool(found.offers) == bool(asked)
    if found.offers:
        prices, distances = zip(*asked.values(), strict=True)
        best = {
            Order.EARLIEST: min(start for start, _, _ in asked),
            Order.CHEAPEST: min(prices),
            Order.CLOSEST: min(distances),
        }
        assert measured(found.offers[0], order, asked) == best[order]
    else:
        assert found.violations


def measured(offer: Offered, order: Order, asked: dict[tuple[int, int, tuple[Line, ...]], tuple[int, int]]) -> int:
    """What an order goes by."""
    _, away = asked[offer.start, offer.end, offer.lines]
    return {Order.EARLIEST: offer.start, Order.CHEAPEST: offer.price.krw if offer.price else 0, Order.CLOSEST: away}[
        order
    ]


def test_a_flexible_duration_takes_what_the_day_leaves() -> None:
    """A rig of four-hour slots with a break lasts four hours or nine: never five to eight."""
    wish = looking(line("M01"), shortest=4, longest=9, earliest=TUESDAY, latest=NEXT_MONDAY)
    lengths = [(offer.end - offer.start) // HOUR for offer in chosen(priced(), wish).offers]
    assert set(lengths) <= {4, 9}
    assert lengths[0] == 9


def test_fewer_units_now_or_all_of_them_later() -> None:
    """The earliest has as many as there are; the closest to what was asked waits for more of them."""
    scenario = priced()
    scenario.books(book("ALPHA", line("h100", 16), start=NOW, hours=1))
    wish = looking(line("h100", 32), shortest=2, fewest=(8,), desired=NOW)
    now = chosen(scenario, wish).offers[0]
    assert (now.start, now.lines[0].units) == (NOW, 16)
    wish = replace(wish, order=Order.CLOSEST, shortest=4 * HOUR, longest=4 * HOUR)
    nearest = chosen(scenario, wish).offers[0]
    assert (nearest.start, nearest.lines[0].units) == (NOW + HOUR, 32)


def test_the_cheapest_is_at_night() -> None:
    """Of one length the hours after ten in the evening cost least, and the offer says what."""
    (offer,) = chosen(priced(), looking(line("h100", 8), shortest=3, order=Order.CHEAPEST, count=1)).offers
    assert offer.start == at("2026-03-02 22:00")
    assert offer.price is not None
    assert offer.price.krw == 8 * 3 * 3000 * 70 // 100


def test_windows_that_are_refused_say_why() -> None:
    """What stands next to each other and is refused for the same is told once, with every rule."""
    scenario = fixture.fresh()
    scenario.books(book("ALPHA", line("C24", 2), start=NOW + 2 * HOUR, hours=5))
    (full,) = chosen(scenario, looking(line("C24"), shortest=2, refused=5)).explained.windows
    assert (full.first_start, full.last_start) == (NOW + HOUR, NOW + 6 * HOUR)
    assert [violation.reason for violation in full.violations] == [Reason.NO_CAPACITY]
    assert chosen(scenario, looking(line("C24"), shortest=2)).explained.windows == ()


def test_the_notice_is_among_the_reasons() -> None:
    """Windows that the net leaves out by their time are explained as well."""
    found = chosen(fixture.fresh(), looking(line("M01"), shortest=4, refused=1))
    assert Reason.NOTICE_TOO_SHORT in {violation.reason for violation in found.explained.windows[0].violations}


def test_there_are_few_variants_and_the_most_and_the_least_are_among_them() -> None:
    """However wide the choice, it costs about twelve searches."""
    scenario = fixture.fresh()
    lines = (line("cpu", 200), line("a100", 8000))
    found = at_once(varying(scenario.centre, lines, (1, 1000), (HOUR, 40 * HOUR), NOW))
    assert len(found) <= VARIANTS_MAX
    assert (found[0].lines, found[0].duration, found[0].short) == (lines, 40 * HOUR, 0)
    assert {each.duration for each in found} >= {HOUR, 40 * HOUR}
    assert {each.lines[0].units for each in found} >= {1, 200}


def test_a_choice_that_makes_no_sense_is_refused() -> None:
    """Nobody's has no offer; of nothing, or longer than any calendar, is a plain no."""
    scenario = fixture.fresh()
    nobodys = choose(scenario.centre, looking(line("cpu"), company="NOBODY"), NOW)
    assert (nobodys.offers, [each.reason for each in nobodys.violations]) == ((), [Reason.COMPANY_NOT_FOUND])
    for choice, reason in (
        (looking(line("nothing")), Reason.RESOURCE_NOT_FOUND),
        (looking(line("cpu"), shortest=400 * 24), Reason.BEYOND_HORIZON),
    ):
        with pytest.raises(Rejected) as refused:
            choose(scenario.centre, choice, NOW)
        assert [violation.reason for violation in refused.value.violations] == [reason]


def test_the_cheapest_is_so_of_the_whole_window() -> None:
    """Weeks ahead, in whichever of twelve variants: a single cheap Sunday hour beyond many dear ones is found."""
    cheap = Peak(weekdays=(6,), starts=14 * 60, ends=15 * 60, percent=10)
    scenario = fixture.fresh().given(PublishTariff(tariff=replace(CARD, peaks=(cheap,))))
    sunday = at("2026-03-08 14:00")
    scenario.books(book("ALPHA", line("cpu", 224), start=sunday, hours=1))
    wish = looking(line("cpu", 100), shortest=1, longest=6, fewest=(90,), order=Order.CHEAPEST, latest=NOW + 30 * DAY)
    first = chosen(scenario, wish).offers[0]
    assert (first.start, first.end - first.start) == (sunday + 7 * DAY, HOUR)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 47), st.integers(1, 48), st.integers(0, 300)), max_size=3),
    st.sampled_from(["Asia/Seoul", "Europe/Berlin", "America/St_Johns"]),
    st.lists(st.integers(0, 2 * 365 * 24 * 12), max_size=8),
    st.integers(1, 200_000),
)
@examples(50)
def test_many_prices_at_once_are_those_of_one_by_one(
    windows: list[tuple[int, int, int, int]], zone: str, starts: list[int], seconds: int
) -> None:
    """Whatever the windows, the clock changes and the length, an array has the same percentages and prices."""
    peaks = tuple(
        Peak(weekdays=(day,), starts=first * 30, ends=first * 30 + length * 30, percent=percent)
        for day, first, length, percent in windows
    )
    hours, moments = PeakHours(peaks, ZoneInfo(zone)), np.array([NOW + each * 300 for each in starts], dtype=np.int64)
    expected = [hours.percent_seconds(start, start + seconds) for start in moments.tolist()]
    assert hours.percents(moments, seconds).tolist() == expected
    for rate in (Rate(numerator=7, denominator=3, peaks=hours), Rate(numerator=7, denominator=3, share_step=125)):
        one_by_one = [rate.price(11, ((start, start + seconds),), start + seconds) for start in moments.tolist()]
        assert rate.prices(11, moments, seconds).tolist() == one_by_one


def test_what_was_not_looked_at_is_said() -> None:
    """A search that ends early says up to which start it has looked; one that has seen everything says nothing."""
    scenario = fixture.fresh()
    wish = Search(
        company="ALPHA", lines=(line("cpu"),), duration=HOUR, earliest=NOW, latest=NOW + 5 * HOUR, count=9, tries=3
    )
    found = search(scenario.centre, wish, NOW)
    assert [start for start, _ in found.intervals] == [NOW, NOW + HOUR, NOW + 2 * HOUR]
    assert found.searched_until == NOW + 3 * HOUR
    assert search(scenario.centre, replace(wish, tries=5), NOW).searched_until == 0
    assert search(scenario.centre, replace(wish, tries=1, count=1), NOW).searched_until == 0
    assert chosen(scenario, looking(line("cpu"), count=20)).searched_until == 0


def test_a_choice_that_was_cut_short_names_what_it_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cheapest of what was weighed is told, with the earliest start that was not."""
    monkeypatch.setattr(seeking, "WEIGHED_MAX", 4)
    scenario = priced()
    found = chosen(scenario, looking(line("cpu", 8), order=Order.CHEAPEST, count=20))
    night = at("2026-03-02 22:00")
    assert [offer.start for offer in found.offers] == [night + number * HOUR for number in range(4)]
    assert found.searched_until == NOW


def test_explanations_say_which_windows_they_are_about() -> None:
    """Told are the first stretches of at most so many windows; about the starts behind them nothing is said."""
    scenario = fixture.fresh()
    for hours in (3, 9):
        scenario.books(book("ALPHA", line("C24", 2), start=NOW + hours * HOUR, hours=1))
    one, all_ = (chosen(scenario, looking(line("C24"), shortest=1, refused=number)).explained for number in (1, 5))
    assert [windows.first_start for windows in all_.windows] == [NOW + 3 * HOUR, NOW + 9 * HOUR]
    assert (one.first, one.last) == (NOW, NOW + 3 * HOUR)
    assert (all_.first, all_.last) == (NOW, NOW + 23 * HOUR)


@given(
    st.sampled_from(list(Order)),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12), st.integers(1, 4)), max_size=12),
    st.integers(1, 12),
)
@examples(30)
def test_whatever_happens_between_the_steps_every_offer_stands_at_the_end(
    order: Order, rivals: list[tuple[int, int, int]], every: int
) -> None:
    """Others book while a search goes on; what it answers would be granted when it answers, all of it."""
    scenario = priced()
    choice = looking(line("h100", 16), shortest=1, longest=3, fewest=(8,), order=order, refused=3, count=6)
    steps, passed, number = choosing(scenario.centre, choice, scenario.now), None, 0
    booked = {moment: (start, length) for moment, start, length in rivals}
    while True:
        try:
            steps.send(passed)
        except StopIteration as end:
            found: Chosen = end.value
            break
        passed, number = None, number + 1
        if number % every == 0 and number // every in booked:
            start, length = booked[number // every]
            with contextlib.suppress(Rejected):
                scenario.books(book("ALPHA", line("h100", 32), start=NOW + start * HOUR, hours=length))
            passed = scenario.now
    for offer in found.offers:
        wish = choice.command(offer.lines, offer.start, offer.end - offer.start)
        *_, made = create_reservation(scenario.centre, wish, scenario.now)
        assert isinstance(made, ReservationConfirmed)
        assert (made.lines, made.start, made.end) == (offer.lines, offer.start, offer.end)
