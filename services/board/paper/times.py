"""Times as the board writes and reads them: on the clock of the centre's zone, with UTC beside it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.board.paper.markup import Markup, el
from services.board.paper.words import Words

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Zoom = Literal["day", "week", "month"]
ZOOMS: tuple[Zoom, ...] = ("day", "week", "month")
WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "ko": ("월", "화", "수", "목", "금", "토", "일"),
}


@dataclass(frozen=True)
class Clock:
    """The centre's time and zone, as one page shows them."""

    now: datetime
    zone: ZoneInfo
    words: Words

    def local(self, moment: datetime) -> datetime:
        """A moment on the centre's clock."""
        return moment.astimezone(self.zone)

    def day(self, moment: datetime | date) -> str:
        """`Sat 21 Nov`, `11. 21. (토)`; the year only when it is another one."""
        shown = self.local(moment).date() if isinstance(moment, datetime) else moment
        weekday = WEEKDAYS[self.words.language][shown.weekday()]
        other_year = shown.year != self.local(self.now).year
        if self.words.language == "ko":
            return f"{f'{shown.year}. ' if other_year else ''}{shown.month}. {shown.day}. ({weekday})"
        return f"{weekday} {shown.day} {shown:%b}{f' {shown.year}' if other_year else ''}"

    def weekday(self, day: date) -> str:
        """`Sat 21`, `21 (토)`: for a scale whose month is said elsewhere."""
        weekday = WEEKDAYS[self.words.language][day.weekday()]
        return f"{day.day} ({weekday})" if self.words.language == "ko" else f"{weekday} {day.day}"

    def hour(self, moment: datetime) -> str:
        """`09:00`."""
        return f"{self.local(moment):%H:%M}"

    def short(self, moment: datetime) -> str:
        """The hour alone for today, with the day for any other."""
        if self.local(moment).date() == self.local(self.now).date():
            return self.hour(moment)
        return f"{self.day(moment)} {self.hour(moment)}"

    def span(self, start: datetime, end: datetime) -> str:
        """From when to when; a day that both ends share is said once."""
        if self.local(start).date() == self.local(end).date():
            return f"{self.day(start)} {self.hour(start)}–{self.hour(end)}"
        return f"{self.day(start)} {self.hour(start)} – {self.day(end)} {self.hour(end)}"

    def away(self, moment: datetime) -> str:
        """How far off: `in 2 h`, `3 d ago`."""
        key = "time_in" if moment >= self.now else "time_ago"
        return self.words(key, length=length(abs(moment - self.now), self.words))

    def zone_name(self) -> str:
        """`Asia/Seoul, UTC+09:00`."""
        offset = f"{self.local(self.now):%z}"
        return f"{self.zone.key}, UTC{offset[:3]}:{offset[3:]}"

    def stamp(self, moment: datetime, text: str = "") -> Markup:
        """A moment for people, for programs, and in UTC for whoever points at it."""
        utc = moment.astimezone(UTC)
        return el(
            "time", text or self.short(moment), datetime=f"{utc:%Y-%m-%dT%H:%M:%SZ}", title=f"{utc:%Y-%m-%d %H:%M} UTC"
        )

    def midnight(self, day: date) -> datetime:
        """The first moment of a day."""
        return datetime.combine(day, time(), tzinfo=self.zone)

    def typed(self, moment: datetime) -> str:
        """A moment as a date and time field holds it."""
        return f"{self.local(moment):%Y-%m-%dT%H:%M}"

    def read(self, text: str) -> datetime:
        """What somebody typed into a date and time field. Raises ValueError."""
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)


@dataclass(frozen=True)
class Window:
    """The stretch of days that a page shows: half-open, from midnight to midnight in the centre's zone."""

    zoom: Zoom
    first: date
    last: date

    @classmethod
    def around(cls, day: date, zoom: Zoom) -> "Window":
        """The day, the week from its Monday, or the month that a day lies in."""
        match zoom:
            case "day":
                return cls(zoom, day, day + DAY)
            case "week":
                monday = day - timedelta(days=day.weekday())
                return cls(zoom, monday, monday + 7 * DAY)
            case "month":
                first = day.replace(day=1)
                return cls(zoom, first, (first + 31 * DAY).replace(day=1))

    def before(self) -> "Window":
        """The one before."""
        return Window.around(self.first - DAY, self.zoom)

    def after(self) -> "Window":
        """The one after."""
        return Window.around(self.last, self.zoom)

    def days(self) -> Iterator[date]:
        """Each of its days."""
        for number in range((self.last - self.first).days):
            yield self.first + timedelta(days=number)


def length(duration: timedelta, words: Words) -> str:
    """A duration in its two largest units: `1 d 6 h`, `45 min`."""
    minutes = round(duration.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    parts = [(days, "time_days"), (rest // 60, "time_hours"), (rest % 60, "time_minutes")]
    shown = [words(key, count=count) for count, key in parts if count][:2]
    return " ".join(shown) or words("time_minutes", count=0)


def zoom_of(text: str) -> Zoom:
    """A zoom from an address; a week for anything else."""
    found: Zoom = next((zoom for zoom in ZOOMS if zoom == text), "week")
    return found


def day_of(text: str, otherwise: date) -> date:
    """A date from an address, or another one if it is none that the calendar could reach."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 2000 <= found.year < 2100 else otherwise


def to_timestamp(moment: datetime) -> Timestamp:
    """For the wire, in whole seconds."""
    return Timestamp(seconds=int(moment.timestamp()))


def from_timestamp(stamp: Timestamp) -> datetime:
    """From the wire."""
    return stamp.ToDatetime(tzinfo=UTC)


def to_duration(duration: timedelta) -> Duration:
    """For the wire."""
    return Duration(seconds=int(duration.total_seconds()))
