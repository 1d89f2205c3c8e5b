"""What is out of order: resources out of service, closures, and days on which things are closed."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from services.board.catalogue import Catalogue
from services.board.times import DAY, Clock, from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Kind = Literal["out_of_service", "closure", "closed_day"]


@dataclass(frozen=True)
class Incident:
    """Several resources that are out for one reason; without times for as long as nobody says otherwise."""

    kind: Kind
    start: datetime | None
    end: datetime | None
    reason: str
    resources: tuple[api.Resource, ...]


def incidents(catalogue: Catalogue, clock: Clock, ahead: timedelta) -> list[Incident]:
    """What is out of order now or will be within a time from now, the earliest first."""
    found: dict[tuple[Kind, datetime | None, datetime | None, str], list[api.Resource]] = defaultdict(list)
    for each in catalogue.resources.values():
        if not each.in_service:
            found["out_of_service", None, None, ""].append(each)
            continue
        for closure in each.closures:
            start, end = from_timestamp(closure.start_time), from_timestamp(closure.end_time)
            reason = " ".join(filter(None, (closure.reason, closure.zone)))
            if end > clock.now and start < clock.now + ahead:
                found["closure", start, end, reason].append(each)
        for day in each.closed_days:
            start = clock.midnight(date.fromisoformat(day))
            if start + DAY > clock.now and start < clock.now + ahead:
                found["closed_day", start, start + DAY, ""].append(each)
    made = [Incident(*key, resources=tuple(resources)) for key, resources in found.items()]
    return sorted(made, key=lambda each: each.start or clock.now - ahead)
