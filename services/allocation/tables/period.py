"""A period of a quota: what is granted for it, and what is booked in it."""

from msgspec import Struct

from services.allocation.companies import Quota
from services.allocation.resources import Interval


class Period(Struct):
    """A granted period and what is booked in it, in unit-seconds."""

    quota: Quota
    booked: int = 0

    def touches(self, spans: tuple[Interval, ...]) -> bool:
        """Whether spans, in order of time, may reach into the period: seen at a glance, before they are counted."""
        return bool(spans) and self.quota.start < spans[-1][1] and spans[0][0] < self.quota.end

    def overlap(self, spans: tuple[Interval, ...]) -> int:
        """Seconds of the spans that fall into the period."""
        start, end = self.quota.start, self.quota.end
        if len(spans) == 1 and start <= spans[0][0] and spans[0][1] <= end:
            return spans[0][1] - spans[0][0]
        return sum([max(0, min(b, end) - max(a, start)) for a, b in spans])
