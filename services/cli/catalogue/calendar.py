"""The calendar of a centre: holidays, on which equipment and its staff rest, and announced maintenance of halls."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.catalogue.tables import CatalogueError, Row, clock_minute, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

MAINTENANCE_HOURS = re.compile(r"(?P<reason>.*\S)\s+(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """A zone of a hall that is down for a while."""

    hall: str
    zone: str
    closure: api.Closure


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The days that differ from others."""

    holidays: tuple[str, ...]
    maintenance: tuple[Maintenance, ...]

    def closures(self, places: set[tuple[str, str]]) -> list[api.Closure]:
        """The maintenance that concerns any of these (hall, zone) places."""
        return [item.closure for item in self.maintenance if (item.hall, item.zone) in places]


def read_calendar(path: Path, time_zone: str) -> Calendar:
    """Read `calendar.csv`."""
    holidays: list[str] = []
    maintenance: list[Maintenance] = []
    for row in read_rows(path):
        match row.text("kind"):
            case "holiday":
                holidays.append(row.read("date", lambda text: date.fromisoformat(text).isoformat()))
            case "maintenance":
                maintenance.append(read_maintenance(row, time_zone))
            case kind:
                raise CatalogueError(f"{row.file}, line {row.line}: unknown kind {kind!r}")
    return Calendar(holidays=tuple(holidays), maintenance=tuple(maintenance))


def read_maintenance(row: Row, time_zone: str) -> Maintenance:
    """Read a line such as `2026-03-12,maintenance,정기점검 09:00-18:00,hall-2 Z-A`."""
    day = row.read("date", date.fromisoformat)
    named = MAINTENANCE_HOURS.fullmatch(row.text("name"))
    hall, _, zone = row.text("scope").partition(" ")
    if named is None or not zone:
        raise CatalogueError(f"{row.file}, line {row.line}: maintenance needs hours in its name and a zone")
    return Maintenance(
        hall=hall,
        zone=zone,
        closure=api.Closure(
            start_time=moment(day, clock_minute(named["start"]), time_zone),
            end_time=moment(day, clock_minute(named["end"]), time_zone),
            zone=zone,
            reason=named["reason"],
        ),
    )


def moment(day: date, minute: int, time_zone: str) -> Timestamp:
    """The instant that a local clock shows so many minutes after midnight of a day."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    stamp = Timestamp()
    stamp.FromDatetime(local.replace(tzinfo=ZoneInfo(time_zone)))
    return stamp
