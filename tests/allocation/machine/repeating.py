"""Series: each day is granted, changed or given back exactly as the naive rules say, or stays as it was."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from msgspec.structs import replace

from services.allocation import events
from services.allocation.commands import BookSeries, CancelSeries, ChangeSeries
from services.allocation.rejections import Reason, Rejected
from services.allocation.reservations import Reservation
from services.allocation.series import Effect, Occurrence, Policy, Series
from tests.allocation import naive_changing, naive_series
from tests.allocation.machine.asking import Asking
from tests.allocation.machine.small_centre import LOOSE, WEEKS
from tests.allocation.machine.wishes import Wish, bookers, class_of, sized, wishes
from tests.allocation.naive_series import Ask, Entry, Repeated, day_of
from tests.allocation.scenario import DAY, HOUR

REFUSED = (Effect.LEFT, Effect.SKIPPED)
SERIES = 4
"""At most so many in one example."""
policies = st.sampled_from([Policy.FAIL, Policy.SKIP, Policy.SKIP, Policy.SHIFT])


class Repeating(Asking):
    """What companies ask for again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.series: dict[str, Repeated] = {}

    @precondition(lambda self: len(self.series) < SERIES)
    @rule(
        company=bookers, wish=wishes, days=st.integers(1, 4), policy=policies, people=st.sampled_from([0, 0, 0, 1, 2])
    )
    def repeat(self, company: str, wish: Wish, days: int, policy: Policy, people: int) -> None:
        """Each day is booked when that breaks no rule, and by policy skipped, put later or refused with the rest."""
        lines, first, length = wish
        series = Repeated(company, lines, length, first, days, people)
        name = f"s{len(self.series)}-{self.count}"
        command = BookSeries(series=self.series_of(name, series, policy), reservation_ids=self.names(days))
        lenient = replace(command, series=replace(command.series, policy=Policy.SKIP))
        told = self.decided(command, lenient, policy, [naive_series.anew(series, start) for start in series.times()])
        if not told:
            return
        self.series[name] = series
        subjects = iter(self.scenario.tell(told))
        for each in told[-1].series.occurrences:
            wanted = self.naive.reasons(company, lines, each.start, each.end, self.scenario.now)
            wanted |= self.naive.crowded(lines, people)
            if not each.reservation_id:
                self.agree_on(each.reasons, wanted)
            elif not wanted:
                self.begin(next(one for one in subjects if one.id == each.reservation_id), lines, people=people)
            else:
                raise AssertionError(f"booked against {wanted}")
            series.entries[day_of(each.by_rule)] = Entry(each.reservation_id, each.start, length, lines, people)

    @precondition(lambda self: self.series)
    @rule(
        number=st.integers(0, 1000),
        since=st.sampled_from([0, 0, 0, 1, 2]),
        hours=st.sampled_from([0, 0, 1, -1, 0.5, 3, -2]),
        longer=st.sampled_from([0, 0, 0, 1, -0.5, 0.5]),
        units=st.sampled_from([0, 0, 0, 1, 2, 3]),
        more=st.sampled_from([0, 0, 0, 1, 2, -1, -2]),
        policy=policies,
        overwrites=st.booleans(),
        people=st.sampled_from([0, 0, 0, 1, 2, 3]),
    )
    def change_series(
        self,
        number: int,
        since: int,
        hours: float,
        longer: float,
        units: int,
        more: int,
        policy: Policy,
        overwrites: bool,
        people: int,
    ) -> None:
        """Each day still to come is as asked where no rule is broken by what is new, and else stays as it was."""
        name = list(self.series)[number % len(self.series)]
        series, now = self.series[name], self.scenario.now
        wish = naive_series.Wish(
            since=series.first + since * DAY if since else 0,
            hours=hours,
            length=series.length + int(longer * HOUR) if longer else None,
            lines=tuple(replace(line, units=sized(line.resource, units)) for line in series.lines) if units else None,
            more=max(more, 1 - series.count),
            overwrites=overwrites,
            people=people,
        )
        after = naive_series.changed(series, wish)
        if day_of(after.first) != day_of(series.first) or after.length <= 0 or after.times()[-1] > WEEKS[-1] - 9 * DAY:
            return
        command = self.change_of(name, wish, after, policy)
        plan = naive_series.plan(self.naive, self.lines, series, wish, now)
        if not plan.possible or not (plan.left or plan.asks):
            reason = Reason.INVALID_SERIES if plan.possible else Reason.WRONG_STATE
            assert self.scenario.refuses(command) == [reason]
            return
        told = self.decided(command, replace(command, policy=Policy.SKIP), policy, plan.asks)
        if not told:
            return
        after.entries = plan.left
        self.series[name] = after
        self.follow(told, plan.asks, after.people)
        self.settle_days(series, after, told[-1].series, plan.asks)

    @precondition(lambda self: self.series)
    @rule(number=st.integers(0, 1000), since=st.integers(0, 3))
    def cancel_series(self, number: int, since: int) -> None:
        """Whatever begins from then on and has not begun is given back."""
        name = list(self.series)[number % len(self.series)]
        series, now = self.series[name], self.scenario.now
        since = max(series.first + since * DAY, now + 1)
        gone = [
            each.name
            for each in series.entries.values()
            if each.name
            and each.start >= since
            and naive_series.waits(self.naive, series, each)
            and self.naive.bookings[each.name].start > now
        ]
        command = CancelSeries(series_id=name, company=series.company, since=since)
        if not gone:
            assert self.scenario.refuses(command) == [Reason.WRONG_STATE]
            return
        self.scenario.grants(command)
        for each in gone:
            self.give_back(each)
        series.gone_from = since

    def decided(self, command: Any, lenient: Any, policy: Policy, asks: list[Ask]) -> tuple[Any, ...]:
        """What a command makes happen; nothing where it is refused, as it is exactly when the policy says so."""
        try:
            told = self.scenario.decided(command if policy is Policy.SHIFT else lenient)
        except Rejected:
            refusal = self.scenario.refusal(command)
            told = tuple(each.reason.value for each in refusal.violations)
            expected = set[Reason]().union(*(self.reasons(ask) for ask in asks))
            if policy is Policy.SKIP:
                self.agree_on(told, expected)
            elif policy is Policy.FAIL:
                # What only stands in the way of another occurrence of its own is not told.
                expected |= set[Reason]().union(*(self.reasons(ask, at_once=True) for ask in asks))
                self.agree_on(told, expected & {Reason(each) for each in told})
            return ()
        series = told[-1].series
        anew = isinstance(command, BookSeries)
        refused = any(each.reasons and (anew or each.effect in REFUSED) for each in series.occurrences)
        if policy is Policy.FAIL and refused:
            self.scenario.refusal(command)
            return ()
        return self.scenario.decided(command)

    def reasons(self, ask: Ask, at_once: bool = False) -> set[Reason]:
        """Every reason against what is asked of a day; or against having it `at_once`, whoever must agree."""
        now = self.scenario.now
        if not ask.name:
            found = self.naive.reasons(ask.company, ask.lines, ask.start, ask.end, now)
            return found | self.naive.crowded(ask.lines, ask.people)
        before = self.scenario.centre.reservations[ask.name]
        wish, shall = (ask.lines, ask.start, ask.end), before.as_asked
        if wish == (shall.lines, shall.start, shall.end) and ask.people == self.naive.bookings[ask.name].people:
            return set()
        return naive_changing.reasons(self.naive, ask.name, wish, before.lines, now, ask.people, at_once=at_once)

    def elsewhere_of(self, ask: Ask, told: Iterable[str]) -> set[Reason]:
        """The reasons told against a change that would wait and that there may be, if it stands on other units."""
        before = self.scenario.centre.reservations.get(ask.name)
        wish = (ask.lines, ask.start, ask.end)
        if before is None or not naive_changing.asks(self.naive, self.naive.bookings[ask.name], wish, before.lines):
            return set()
        return self.elsewhere(before, wish) & {Reason(each) for each in told}

    def agree_on(self, reasons: Iterable[str], expected: set[Reason]) -> None:
        """Some reasons are those that the model finds, as far as it can tell."""
        if not self.naive.outages:
            assert {Reason(each) for each in reasons} - set(LOOSE) == expected

    def follow(self, told: tuple[Any, ...], asks: list[Ask], people: int) -> None:
        """The model follows what happened to a series: none of it breaks a rule, in the order in which it happens."""
        stands = dict(self.scenario.centre.reservations)
        asked = {ask.name: ask for ask in asks if ask.name}
        now = self.scenario.now
        for event, subject in zip(told, self.scenario.tell(told), strict=True):
            match event:
                case events.ReservationCancelled():
                    self.give_back(event.reservation_id)
                case events.ReservationChanged():
                    before, wish = stands[event.reservation_id], (event.lines, event.start, event.end)
                    ask = asked[before.id]
                    expected = naive_changing.reasons(self.naive, before.id, wish, before.lines, now, ask.people)
                    assert self.naive.outages or expected == set()
                    assert (event.lines, event.end - event.start) == (ask.lines, ask.end - ask.start)
                    self.alter(before, subject, wish)
                    self.naive.bookings[before.id].people = ask.people
                case events.ChangeRequested():
                    before, wish = stands[event.reservation_id], (event.lines, event.start, event.end)
                    expected = naive_changing.reasons(self.naive, before.id, wish, before.lines, now)
                    assert self.naive.outages or expected == set()
                    self.ask(before, subject, wish)
                case events.ChangeEnded():
                    self.naive.drop(event.reservation_id)
                case events.ReservationConfirmed() | events.ReservationRequested():
                    if event.reservation_id not in self.naive.bookings:
                        broken = self.naive.reasons(event.company, event.lines, event.start, event.end, now)
                        assert broken | self.naive.crowded(event.lines, people) == set()
                        self.begin(subject, event.lines, people=people)
                case _:
                    pass
            if isinstance(subject, Reservation):
                stands[subject.id] = subject

    def settle_days(self, was: Repeated, after: Repeated, told: Series, asks: list[Ask]) -> None:
        """What the series says of each day is what became of what was asked of it."""
        days = {day_of(ask.entry.start): ask for ask in asks}
        for each in told.occurrences:
            day = day_of(each.by_rule)
            ask = next((one for one in asks if one.name == each.reservation_id and one.name), days.get(day))
            match each.effect:
                case Effect.CHANGED | Effect.ASKED | Effect.KEPT:
                    assert ask is not None
                    after.entries[day] = naive_series.at(ask.entry, each.start)
                case Effect.BOOKED:
                    assert ask is not None
                    after.entries[day] = naive_series.at(ask.entry, each.start)
                    after.entries[day].name = each.reservation_id
                case Effect.LEFT | Effect.SKIPPED:
                    assert ask is not None
                    stays = (one for one in was.entries.values() if one.name and one.name == ask.name)
                    after.entries[day] = next(stays, ask.entry)
                    if told.policy is not Policy.SHIFT:
                        self.agree_on(each.reasons, self.reasons(ask) | self.elsewhere_of(ask, each.reasons))
                case Effect.UNTOUCHED:
                    assert day in after.entries
        assert {day_of(each.by_rule) for each in told.occurrences} == set(after.entries)

    def series_of(self, name: str, series: Repeated, policy: Policy) -> Series:
        """A series as a command brings it."""
        return Series(
            id=name,
            company=series.company,
            first="",
            duration=series.length,
            time_zone="Asia/Seoul",
            tzdata="",
            recurrence=(),
            lines=series.lines,
            policy=policy,
            occurrences=tuple(Occurrence(start=start, end=start + series.length) for start in series.times()),
            participants=class_of(series.people),
        )

    def change_of(self, name: str, wish: naive_series.Wish, after: Repeated, policy: Policy) -> ChangeSeries:
        """A change as a command brings it."""
        return ChangeSeries(
            series_id=name,
            company=after.company,
            reservation_ids=self.names(9),
            since=wish.since,
            first="" if wish.hours else None,
            starts=tuple(after.times()) if wish.hours or wish.more else None,
            duration=wish.length,
            lines=wish.lines,
            policy=policy,
            overwrites=wish.overwrites,
            participants=class_of(wish.people),
        )

    def names(self, count: int) -> tuple[str, ...]:
        """So many names that nothing has."""
        self.count += count
        return tuple(f"b{self.count - number}" for number in range(count))
