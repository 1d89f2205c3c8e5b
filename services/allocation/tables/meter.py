"""Quota: what a company may still hold on one meter, in unit-seconds per period and in units at once."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from services.allocation.calendars.calendar import Timeline
from services.allocation.companies import Quota
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Allocation
from services.allocation.resources import Interval, Unit
from services.allocation.tables.covering import covered, touches
from services.allocation.tables.period import Period
from services.allocation.values.correction import Correction, corrected
from services.allocation.values.reclaim import Removal, without
from services.allocation.wording import counted, figure, unit_hours

EQUIPMENT_CELL_SECONDS = 300
"""Equipment of many different slots counts on one meter: this is the shortest slot."""
UNITS_AT_ONCE_MAX = 1_000_000_000

Charge = tuple[int, tuple[Interval, ...]]
"""Units, and the spans that they are held for."""


class Meter:
    """A company's use of one meter: its periods by start, and the units it holds at any time.

    `unit` is what they are said in; None where a meter counts many things alike.
    """

    def __init__(self, *, cell_seconds: int, base: int, unit: Unit | None = None) -> None:
        self.cell_seconds = cell_seconds
        self.unit = unit
        self.base = base
        self.periods: list[Period] = []
        self.at_once: Timeline | None = None  # Units held at any time, once a period limits them.

    def grant(self, quota: Quota) -> None:
        """Add a period. Periods of one meter never overlap: the rules see to it."""
        self.periods = sorted([*self.periods, Period(quota)], key=lambda period: period.quota.start)
        if quota.concurrent_units_max and self.at_once is None:
            self.at_once = Timeline(cell_seconds=self.cell_seconds, base=self.base)

    def lose(self, removals: Iterable[Removal]) -> None:
        """Take back what a review removed."""
        for period in self.periods:
            period.quota = without(period.quota, removals)

    def correct(self, correction: Correction) -> None:
        """Give a period the unit-seconds of a correction, or take them."""
        period = next(each for each in self.periods if each.quota.start == correction.start)
        period.quota = corrected(period.quota, correction)

    def period_at(self, seconds: int) -> Period | None:
        """The period that a moment lies in, if there is one."""
        return next((each for each in self.periods if each.quota.start <= seconds < each.quota.end), None)

    def slide(self, base: int) -> None:
        """Move the range of the timeline forward."""
        self.base = base
        if self.at_once is not None:
            self.at_once.slide(base)

    def charge(self, allocation: Allocation, sign: int = 1) -> None:
        """Book an allocation on the meter, or with `sign` -1 take it off again."""
        held = allocation.spans
        for period in self.periods:
            if touches(period.quota, held):
                period.booked += sign * allocation.units * covered(period.quota, held)
        if self.at_once is not None:
            self.at_once.add(sign * allocation.units, held)

    def hold_all(self, allocations: list[Allocation]) -> None:
        """Draw what many allocations hold at any time, and leave the periods' bookings alone."""
        if self.at_once is not None:
            self.at_once.add_all([each.units for each in allocations], [each.spans for each in allocations])

    def violations(self, charges: Sequence[Charge], subject: str) -> Iterator[Violation]:
        """Every quota rule that these charges together would break."""
        if len(charges) == 1 and self._has_room(*charges[0]):
            return
        uncovered = sum([end - start for _, spans in charges for start, end in spans])
        first = min([spans[0][0] for _, spans in charges])
        last = max([spans[-1][1] for _, spans in charges])
        for period in self.periods:
            if period.quota.start < last and first < period.quota.end:
                seconds = [covered(period.quota, spans) for _, spans in charges]
                uncovered -= sum(seconds)
                more = sum([units * overlap for (units, _), overlap in zip(charges, seconds, strict=True)])
                yield from _over_period(period, more, subject, self.unit)
                yield from self._over_at_once(period, charges, subject)
        if uncovered:
            yield _uncovered(subject)

    def beyond(self, charges: Sequence[Charge]) -> int:
        """Unit-seconds of these charges that lie beyond what is granted for their periods."""
        return sum(
            max(0, period.booked + more - period.quota.unit_seconds) - max(0, period.booked - period.quota.unit_seconds)
            for period in self.periods
            if (more := sum(units * covered(period.quota, spans) for units, spans in charges))
        )

    def _has_room(self, units: int, spans: tuple[Interval, ...]) -> bool:
        """Whether one stretch of time lies in one period and within its limits: most do, and that is quickly seen."""
        if len(spans) > 1:
            return False
        start, end = spans[0]
        for period in self.periods:
            quota = period.quota
            if quota.start <= start and end <= quota.end:
                limit = quota.concurrent_units_max
                return period.booked + units * (end - start) <= quota.unit_seconds and (
                    not limit or self.at_once is None or self.at_once.most(spans[0]) + units <= limit
                )
        return False

    def _over_at_once(self, period: Period, charges: Sequence[Charge], subject: str) -> Iterator[Violation]:
        limit = period.quota.concurrent_units_max
        if not limit or self.at_once is None:
            return
        units, held = _most_at_once(self.at_once, period, charges)
        if held + units > limit:
            advice = "Choose another time, or fewer units." if units <= limit else "Ask for fewer units."
            yield Violation(
                reason=Reason.CONCURRENCY_EXCEEDED,
                description=f"At most {counted(limit, self.unit)} of {subject} may be held at once; "
                f"{figure(held, self.unit)} are held then, and {figure(units, self.unit)} more were asked for. "
                f"{advice}",
                subject=subject,
                limit=limit,
                asked=held + units,
            )

    def room_at_once(self, units: int) -> NDArray[np.bool_] | None:
        """For every cell of the range, whether `units` more would stay within the limit at once; None without one."""
        if self.at_once is None:
            return None
        limits = np.full(self.at_once.cells, UNITS_AT_ONCE_MAX, dtype=np.int64)
        for period in self.periods:
            if period.quota.concurrent_units_max:
                first, last = self.at_once.window((period.quota.start, period.quota.end))
                limits[first:last] = period.quota.concurrent_units_max
        room: NDArray[np.bool_] = self.at_once.total + units <= limits
        return room


def _most_at_once(at_once: Timeline, period: Period, charges: Sequence[Charge]) -> tuple[int, int]:
    """The units asked for and the units held, at the moment of the period when they are the most together."""
    start, end = period.quota.start, period.quota.end
    if len(charges) == 1:
        units, spans = charges[0]
        inside = [(max(a, start), min(b, end)) for a, b in spans if a < end and start < b]
        return units, max(map(at_once.most, inside), default=0)
    asked = Timeline(cell_seconds=at_once.cell_seconds, base=at_once.base)
    for units, spans in charges:
        asked.add(units, spans)
    first, last = at_once.window((start, end))
    together = np.where(asked.total > 0, asked.total + at_once.total, 0)[first:last]
    worst = first + int(together.argmax())
    return int(asked.total[worst]), int(at_once.total[worst])


def meter_violations(meter: Meter | None, charges: Sequence[Charge], subject: str) -> Iterable[Violation]:
    """The quota rules that some metered lines would break; a company without the meter holds no quota."""
    return (_uncovered(subject),) if meter is None else meter.violations(charges, subject)


def _over_period(period: Period, more: int, subject: str, unit: Unit | None) -> Iterator[Violation]:
    limit = period.quota.unit_seconds
    if period.booked + more > limit:
        left = max(0, limit - period.booked)
        yield Violation(
            reason=Reason.QUOTA_EXCEEDED,
            description=f"The quota of {subject} for the period has {unit_hours(left, unit)} unit-hours left of "
            f"{unit_hours(limit, unit)}; {unit_hours(more, unit)} were asked for. "
            "Ask for less, or for the next period.",
            subject=subject,
            limit=limit,
            asked=period.booked + more,
        )


def _uncovered(subject: str) -> Violation:
    return Violation(
        reason=Reason.NO_QUOTA,
        description=f"The company has no quota of {subject} for the whole of this interval. "
        "Choose a resource or a period that it has quota for, or ask an operator for a grant.",
        subject=subject,
    )
