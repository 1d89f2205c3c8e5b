"""What is out of order: outages, announced maintenance, closed days, and resources out of service."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from services.board.doors.catalogue import Catalogue
from services.board.paper.times import DAY, Clock, from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Kind = Literal["out_of_service", "failure", "closed", "maintenance", "closed_day"]
Part = tuple[api.Resource, int]
"""A resource, and how many of its units are out; 0 for all of them."""
KINDS: dict[int, Kind] = {
    api.Outage.KIND_MAINTENANCE: "maintenance",
    api.Outage.KIND_FAILURE: "failure",
    api.Outage.KIND_CLOSURE: "closed",
}


@dataclass(frozen=True)
class Incident:
    """Several resources that are out for one reason; without an end for as long as nobody says otherwise."""

    kind: Kind
    start: datetime | None
    end: datetime | None
    reason: str
    parts: tuple[Part, ...]
    name: str = ""
    """Of an outage, for its page."""

    def begun(self, now: datetime) -> bool:
        """Whether it holds already."""
        return self.start is None or self.start <= now


def incidents(catalogue: Catalogue, outages: Iterable[api.Outage], clock: Clock, ahead: timedelta) -> list[Incident]:
    """What is out of order now or will be within a time from now, the earliest first."""
    found = [_of_outage(catalogue, each) for each in outages]
    near = [each for each in (*found, *_announced(catalogue, clock)) if _concerns(each, clock.now, clock.now + ahead)]
    return sorted(near, key=lambda each: each.start or clock.now - ahead)


def _concerns(incident: Incident, start: datetime, end: datetime) -> bool:
    return (incident.start is None or incident.start < end) and (incident.end is None or incident.end > start)


def _of_outage(catalogue: Catalogue, outage: api.Outage) -> Incident:
    return Incident(
        kind=KINDS.get(outage.kind, "failure"),
        start=from_timestamp(outage.start_time),
        end=from_timestamp(outage.end_time) if outage.HasField("end_time") else None,
        reason=outage.reason,
        parts=tuple((catalogue[taken.resource], taken.units) for taken in outage.taken),
        name=outage.name,
    )


def _announced(catalogue: Catalogue, clock: Clock) -> list[Incident]:
    """What the catalogue tells: the same maintenance or closed day of several resources is one incident."""
    found: dict[tuple[Kind, datetime | None, datetime | None, str], list[Part]] = defaultdict(list)
    for each in catalogue.resources.values():
        if not each.in_service:
            found["out_of_service", None, None, ""].append((each, 0))
            continue
        for closure in each.closures:
            start, end = from_timestamp(closure.start_time), from_timestamp(closure.end_time)
            found["maintenance", start, end, " ".join(filter(None, (closure.reason, closure.zone)))].append((each, 0))
        for day in each.closed_days:
            start = clock.midnight(date.fromisoformat(day))
            found["closed_day", start, start + DAY, ""].append((each, 0))
    return [Incident(*key, parts=tuple(parts)) for key, parts in found.items()]
