"""Reading the files of a catalogue: tables, rules, and the small notations that their cells use."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from google.protobuf.duration_pb2 import Duration

from services.cli.outcome import because
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

Value = TypeVar("Value")


class CatalogueError(Exception):
    """The catalogue cannot be read. The message says where and why."""


@dataclass(frozen=True)
class Rules:
    """`centre.yaml`, as it stands."""

    path: Path
    data: dict[str, Any]

    @property
    def centre(self) -> str:
        """The centre's id."""
        return str(self.at("centre", "id"))

    @property
    def time_zone(self) -> str:
        """The IANA zone of every local time in the catalogue."""
        return str(self.at("centre", "timezone"))

    def at(self, *path: str) -> Any:
        """The value under a path of keys."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, dict) or key not in value:
                raise CatalogueError(f"{self.path.name}: {'.'.join(path)} is missing")
            value = value[key]
        return value

    def entry(self, section: str, entry_id: str) -> dict[str, Any]:
        """The entry of a list that has this id."""
        for entry in self.at(section):
            if entry.get("id") == entry_id:
                return dict(entry)
        raise CatalogueError(f"{self.path.name}: {section} has no entry {entry_id!r}")


def read_rules(path: Path) -> Rules:
    """Read `centre.yaml`."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise CatalogueError(f"cannot read {path}: {because(problem)}") from problem
    if not isinstance(data, dict):
        raise CatalogueError(f"{path} is not a table of rules")
    return Rules(path, data)


@dataclass(frozen=True)
class Row:
    """One line of a table: its cells by column, and where it stands."""

    file: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """A cell as it stands."""
        if column not in self.cells:
            raise CatalogueError(f"{self.file}: there is no column {column!r}")
        return self.cells[column]

    def read(self, column: str, reader: Callable[[str], Value]) -> Value:
        """A cell, read by a function that raises ValueError or KeyError on nonsense."""
        text = self.text(column)
        try:
            return reader(text)
        except (ValueError, KeyError) as problem:
            where = f"{self.file}, line {self.line}, {column}"
            raise CatalogueError(f"{where}: cannot make sense of {text!r}") from problem

    def number(self, column: str) -> int:
        """A cell as a whole number; an empty one is 0."""
        return self.read(column, lambda text: int(text or "0"))

    def truth(self, column: str) -> bool:
        """A cell as True or False."""
        return self.read(column, lambda text: {"True": True, "False": False}[text])

    def others(self, columns: Iterable[str]) -> dict[str, str]:
        """The filled cells of all columns but these."""
        known = set(columns)
        return {column: text for column, text in self.cells.items() if column not in known and text}


def read_rows(path: Path) -> Iterator[Row]:
    """The lines of a table, in order."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            for cells in reader:
                if None in cells or None in cells.values():
                    raise CatalogueError(f"{path.name}, line {reader.line_num}: wrong number of cells")
                yield Row(path.name, reader.line_num, cells)
    except (OSError, csv.Error, UnicodeDecodeError) as problem:
        raise CatalogueError(f"cannot read {path}: {because(problem)}") from problem


def hours(count: int) -> Duration:
    """So many hours."""
    return minutes(count * 60)


def minutes(count: int) -> Duration:
    """So many minutes."""
    return Duration(seconds=count * 60)


def days(count: int) -> Duration:
    """So many days of 24 hours."""
    return minutes(count * DAY_MINUTES)


def clock_minute(text: str) -> int:
    """Minutes after midnight of `09:30`; `08:00+1` is on the next day."""
    clock, _, days_later = text.partition("+")
    hour, minute = clock.split(":")
    value = int(hour) * 60 + int(minute) + int(days_later or "0") * DAY_MINUTES
    if not 0 <= value <= 2 * DAY_MINUTES:
        raise ValueError(text)
    return value


def weekdays(text: str) -> list[int]:
    """The days of `mon-fri`, Monday as 1."""
    first, _, last = text.partition("-")
    return list(range(WEEKDAYS.index(first) + 1, WEEKDAYS.index(last or first) + 2))


def opening_hours(open_days: str, opens: str, closes: str, pause: str = "") -> api.OpeningHours | None:
    """A weekly timetable, or None if it never closes."""
    timetable = api.OpeningHours(
        weekdays=weekdays(open_days), opens_minute=clock_minute(opens), closes_minute=clock_minute(closes)
    )
    if pause:
        starts, ends = pause.split("-")
        timetable.break_starts_minute, timetable.break_ends_minute = clock_minute(starts), clock_minute(ends)
    always = len(timetable.weekdays) == len(WEEKDAYS) and not pause
    always &= timetable.opens_minute == 0 and timetable.closes_minute == DAY_MINUTES
    return None if always else timetable
