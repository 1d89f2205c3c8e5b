"""The calendar of a replay of bookings: one day of the trace is half a working day of the centre."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.cli.times import midnight
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SATURDAY = 5
ASKED_MINUTES = (8 * 60 + 30, 13 * 60 + 30)
"""When people ask, cancel and change: every morning and every afternoon, in minutes after midnight."""
BEGINS_MINUTES = (9 * 60, 14 * 60)
"""The first moment at which what is booked for a half-day may begin."""
ALWAYS = api.OpeningHours(weekdays=range(1, 8), closes_minute=24 * 60)


class HalfDays:
    """Half-days of work, counted from 0 on: mornings are even."""

    def __init__(self, first: date, holidays: frozenset[str], zone: ZoneInfo, count: int) -> None:
        days = working_days(first, holidays)
        self._days = [next(days) for _ in range(-(-count // 2))]
        self._zone = zone
        self.first, self.last = first, self._days[-1]

    def asked(self, number: int) -> datetime:
        """When people see to their bookings on a half-day; on the first one for all before it."""
        return self._moment(number, ASKED_MINUTES)

    def begins(self, number: int) -> datetime:
        """From when on something booked for a half-day may begin."""
        return self._moment(number, BEGINS_MINUTES)

    def _moment(self, number: int, minutes: tuple[int, int]) -> datetime:
        day, half = divmod(min(max(number, 0), 2 * len(self._days) - 1), 2)
        return midnight(self._days[day], self._zone) + timedelta(minutes=minutes[half])


class Slots:
    """The slots of one piece of equipment over a range of days, in order."""

    def __init__(self, resource: api.Resource, first: date, last: date, zone: ZoneInfo) -> None:
        self._length = resource.slot.ToTimedelta()
        self._starts = list(slot_starts(resource, first, last, zone))

    def first_since(self, moment: datetime) -> int:
        """The number of the first slot that begins at a moment or later."""
        return bisect_left(self._starts, moment)

    def span(self, first: int, count: int) -> tuple[datetime, datetime] | None:
        """From when to when so many slots last; None where the days end before."""
        if first + count > len(self._starts):
            return None
        return self._starts[first], self._starts[first + count - 1] + self._length


def working_days(first: date, holidays: frozenset[str]) -> Iterator[date]:
    """Days from Monday to Friday that are no holidays, from one on, for ever."""
    day = first
    while True:
        if day.weekday() < SATURDAY and day.isoformat() not in holidays:
            yield day
        day += timedelta(days=1)


def slot_starts(resource: api.Resource, first: date, last: date, zone: ZoneInfo) -> Iterator[datetime]:
    """When the slots of a resource begin: from opening to closing, and not in the break or on closed days."""
    hours = resource.opening_hours if resource.HasField("opening_hours") else ALWAYS
    length, closed = resource.slot.seconds // 60, set(resource.closed_days)
    day = first
    while day <= last:
        if day.isoweekday() in hours.weekdays and day.isoformat() not in closed:
            minute = hours.opens_minute
            while minute + length <= hours.closes_minute:
                if minute < hours.break_ends_minute and minute + length > hours.break_starts_minute:
                    minute = hours.break_ends_minute
                    continue
                yield midnight(day, zone) + timedelta(minutes=minute)
                minute += length
        day += timedelta(days=1)
