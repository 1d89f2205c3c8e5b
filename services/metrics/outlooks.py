"""The outlook of every resource, drawn aside from the fold, since it takes longer than a scrape may."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from services.allocation.reservations import Allocation
from services.allocation.resources import Resource
from services.allocation.values.outage import Outage
from services.metrics.forecast import Forecast, forecast
from services.metrics.fragmentation import NOTHING_ASKED, Asked
from services.metrics.freshness import Freshness
from services.metrics.history import HOUR_SECONDS, Held
from services.metrics.outlook import Outlook, look_ahead
from services.metrics.usage import Usage


class Outlooks(NamedTuple):
    """What lies ahead, as it follows from the log up to a position. `now` is the log's own time there, in seconds."""

    position: int
    now: int
    pools: Mapping[str, Outlook]
    forecasts: Mapping[str, Forecast]


class Outlooker:
    """Holds the newest outlooks, and draws new ones when the log has gone on."""

    def __init__(self, started_at: float) -> None:
        self.drawn = Outlooks(0, 0, {}, {})
        self.freshness = Freshness(started_at)

    async def look(self, usage: Usage, at: float) -> None:
        """Make the outlooks true at a monotonic time. The event loop stays free meanwhile."""
        if self.drawn.position != usage.position:
            position, now = usage.position, usage.now
            resources = [pool.resource for pool in usage.pools.values()]
            # Allocations are frozen, so the fold may go on while these are drawn.
            ahead = usage.allocations_ahead()
            outages = [outage for outage in usage.outages.values() if outage.until > now]
            asked = usage.mix.recent(now)
            past, known = usage.history.past(ahead, now), (now - usage.began) // HOUR_SECONDS
            pools, forecasts = await asyncio.gather(
                asyncio.to_thread(_look, resources, ahead, now, outages, asked), asyncio.to_thread(_expect, past, known)
            )
            self.drawn = Outlooks(position, now, pools, forecasts)
        self.freshness.worked(at)


def _look(
    resources: list[Resource],
    ahead: Mapping[str, list[Allocation]],
    now: int,
    outages: list[Outage],
    asked: Mapping[str, Asked],
) -> dict[str, Outlook]:
    return {
        resource.id: look_ahead(resource, ahead[resource.id], now, outages, asked.get(resource.id, NOTHING_ASKED))
        for resource in resources
    }


def _expect(past: Mapping[str, Held], hours_known: int) -> dict[str, Forecast]:
    return {name: drawn for name, held in past.items() if (drawn := forecast(held, hours_known)) is not None}
