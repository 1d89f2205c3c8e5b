"""What of a resource cannot be booked at a moment, and why: out of service, closed, broken, or under maintenance."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.allocation.calendars.timetable import keeps_hours, slot_windows, timetable_of
from services.allocation.resources import Interval, Resource
from services.allocation.values.outage import Outage, OutageKind


class Unavailable(StrEnum):
    """Why units cannot be booked. A unit counts under the first reason that holds."""

    OUT_OF_SERVICE = "out_of_service"
    CLOSED = "closed"  # outside opening hours, or a closed day
    ABSENT = "absent"  # it arrives later, or has retired
    FAILURE = "failure"  # an outage that nobody planned
    MAINTENANCE = "maintenance"  # announced with the resource, or any other outage


class Availability:
    """Unavailable units at any moment. Remembers each resource's timetable of the day it was last asked about."""

    def __init__(self) -> None:
        self._drawn: dict[str, tuple[date, tuple[Interval, ...]]] = {}

    def at(
        self, resources: Iterable[Resource], time: int, outages: Collection[Outage] = ()
    ) -> dict[tuple[str, Unavailable], int]:
        """Units out of reach at a time in seconds, by resource and reason; never more than are installed."""
        standing = [outage for outage in outages if outage.start <= time < outage.until]
        return {
            (resource.id, reason): units
            for resource in resources
            for reason, units in self._reasons(resource, time, standing)
        }

    def _reasons(self, resource: Resource, time: int, outages: Collection[Outage]) -> Iterator[tuple[Unavailable, int]]:
        whole = self._whole_reason(resource, time)
        absent = _absent(resource, time)
        broken = _taken(resource, (outage for outage in outages if outage.kind is OutageKind.FAILURE)) - absent
        other = _taken(resource, (outage for outage in outages if outage.kind is not OutageKind.FAILURE))
        maintained = (other | _maintained(resource, time)) - broken - absent
        yield Unavailable.OUT_OF_SERVICE, resource.capacity if whole is Unavailable.OUT_OF_SERVICE else 0
        yield Unavailable.CLOSED, resource.capacity if whole is Unavailable.CLOSED else 0
        yield Unavailable.ABSENT, 0 if whole else len(absent) * resource.units_per_node
        yield Unavailable.FAILURE, 0 if whole else len(broken) * resource.units_per_node
        yield Unavailable.MAINTENANCE, 0 if whole else len(maintained) * resource.units_per_node

    def _whole_reason(self, resource: Resource, time: int) -> Unavailable | None:
        if not resource.in_service:
            return Unavailable.OUT_OF_SERVICE
        return None if self._is_open(resource, time) else Unavailable.CLOSED

    def _is_open(self, resource: Resource, time: int) -> bool:
        if not keeps_hours(resource):
            return True
        day = datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(resource.time_zone)).date()
        drawn = self._drawn.get(resource.id)
        if drawn is None or drawn[0] != day:
            # Hours that run past midnight belong to the day before.
            drawn = self._drawn[resource.id] = (
                day,
                tuple(slot_windows(timetable_of(resource), day - timedelta(days=1), day)),
            )
        return any(start <= time < end for start, end in drawn[1])


def _taken(resource: Resource, outages: Iterable[Outage]) -> set[int]:
    """The nodes that some outages take out, by number."""
    return {
        node for outage in outages for taken in outage.taken if taken.resource == resource.id for node in taken.nodes
    }


def _absent(resource: Resource, time: int) -> set[int]:
    return {
        number
        for number, node in enumerate(resource.nodes)
        if time < node.valid_from or (node.valid_until and node.valid_until <= time)
    }


def _maintained(resource: Resource, time: int) -> set[int]:
    zones = {closure.zone for closure in resource.closures if closure.start <= time < closure.end}
    return {number for number, node in enumerate(resource.nodes) if "" in zones or node.zone in zones}
