"""How much of some spans a quota's period covers."""

from services.allocation.companies import Quota
from services.allocation.resources import Interval


def touches(quota: Quota, spans: tuple[Interval, ...]) -> bool:
    """Whether spans, in order of time, may reach into the period: seen at a glance, before they are counted."""
    return bool(spans) and quota.start < spans[-1][1] and spans[0][0] < quota.end


def covered(quota: Quota, spans: tuple[Interval, ...]) -> int:
    """Seconds of the spans that fall into the period."""
    start, end = quota.start, quota.end
    if len(spans) == 1 and start <= spans[0][0] and spans[0][1] <= end:
        return spans[0][1] - spans[0][0]
    return sum([max(0, min(b, end) - max(a, start)) for a, b in spans])
