"""Requests to change a series, as commands; and what a change would come to, as clients see it."""

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.allocation import commands
from services.allocation.events import Events, SeriesChanged
from services.allocation.series import OCCURRENCES_MAX, Effect, Policy, Series
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import ETAG_CHARACTERS_MAX, Fields
from services.scheduler.wire.masks import ALL, paths_of
from services.scheduler.wire.recurrence import Unreadable, civil, demand_sound, occurrences, tzdata_release
from services.scheduler.wire.requests import class_of, lines_of, new_id

MUTABLE = frozenset({"lines", "first", "time_zone", "duration", "recurrence", "policy", "note", "participants"})
POLICIES = {
    api.CONFLICT_POLICY_UNSPECIFIED: Policy.FAIL,
    api.CONFLICT_POLICY_FAIL: Policy.FAIL,
    api.CONFLICT_POLICY_SKIP: Policy.SKIP,
    api.CONFLICT_POLICY_SHIFT: Policy.SHIFT,
}


def series_named(request: api.UpdateSeriesRequest) -> tuple[str, str]:
    """The ids of the company and the series that a request names. Raises `Problem`."""
    fields = Fields()
    company, series_id = fields.name("series.name", request.series.name, "companies", "series")
    fields.demand_valid()
    return company, series_id


def change_series(
    request: api.UpdateSeriesRequest, company: str, series_id: str, series: Series | None
) -> commands.ChangeSeries:
    """A change of a series as it stands, None if there is none. Raises `Problem` with every invalid field and path."""
    fields, wish = Fields(), request.series
    fields.request_id(request.request_id)
    if request.etag and wish.etag and request.etag != wish.etag:
        fields.fault("etag", "differs from series.etag; send one of them")
    paths = paths_of(fields, request.update_mask, wish, MUTABLE, "series")
    if ALL in request.update_mask.paths and not wish.time_zone:
        paths.discard("time_zone")  # There is no time without a zone: none is none other.
    if ALL in request.update_mask.paths and not wish.HasField("participants"):
        paths.discard("participants")  # A class stays one.
    starts = _starts(fields, wish, paths, series)
    command = commands.ChangeSeries(
        series_id=series_id,
        company=company,
        reservation_ids=tuple(new_id() for _ in range(OCCURRENCES_MAX)),
        etag=fields.text("etag", request.etag or wish.etag, ETAG_CHARACTERS_MAX),
        since=fields.seconds("from_time", request.from_time),
        first=wish.first if "first" in paths else None,
        time_zone=wish.time_zone if "time_zone" in paths else None,
        recurrence=tuple(wish.recurrence) if "recurrence" in paths else None,
        starts=starts,
        tzdata=tzdata_release(),
        duration=_duration(fields, wish) if "duration" in paths else None,
        lines=lines_of(fields, "series.lines", wish.lines) if "lines" in paths else None,
        note=fields.text("series.note", wish.note) if "note" in paths else None,
        policy=POLICIES.get(wish.policy, Policy.FAIL) if "policy" in paths else None,
        overwrites=request.overwrite_exceptions,
        excused=request.excused,
        participants=class_of(fields, "series.participants", wish) if "participants" in paths else None,
    )
    if "policy" in paths and wish.policy not in POLICIES:
        fields.fault("series.policy", "must be fail, skip or shift")
    fields.demand_valid()
    return command


def preview(series: Series, decided: Events) -> Series:
    """A series as it would be, without names for what is not booked yet; one that was changed before stays as it is."""
    after = next((event.series for event in decided if isinstance(event, SeriesChanged)), series)
    plain = (replace(each, reservation_id="") if each.effect is Effect.BOOKED else each for each in after.occurrences)
    return replace(after, occurrences=tuple(plain)) if decided else after


def zone_of(fields: Fields, name: str) -> ZoneInfo | None:
    """The clock of a name of the IANA's; None for none, which is noted."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        fields.fault("series.time_zone", "must be an IANA zone, such as Asia/Seoul")
        return None


def _duration(fields: Fields, wish: api.Series) -> int:
    duration = fields.seconds("series.duration", wish.duration)
    if not duration:
        fields.fault("series.duration", "must be longer than nothing")
    return duration


def _starts(fields: Fields, wish: api.Series, paths: set[str], series: Series | None) -> tuple[int, ...] | None:
    """The times that the rule gives when it is changed, in seconds; None if it is not."""
    if not paths & {"first", "time_zone", "recurrence"} or series is None:
        return None
    first = wish.first if "first" in paths else series.first
    recurrence = tuple(wish.recurrence) if "recurrence" in paths else series.recurrence
    found: list[tuple[int, int]] = []
    zone = zone_of(fields, wish.time_zone if "time_zone" in paths else series.time_zone)
    if zone is None:
        return None
    try:
        civil(first)
    except Unreadable as problem:
        fields.fault("series.first", str(problem))
        return None
    try:
        demand_sound(recurrence)
        found = occurrences(first, zone, recurrence, series.duration)
    except Unreadable as problem:
        fields.fault("series.recurrence", str(problem))
    return tuple(start for start, _ in found)
