"""The methods about series, and calendar files of what is booked."""

import asyncio
from typing import cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from msgspec.structs import replace

from services.allocation import commands
from services.allocation.events import SeriesBooked
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.series import Effect, Occurrence, Policy, Series
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.scheduler import reads
from services.scheduler.access import company_of, demand_operator, demand_reason
from services.scheduler.answering import administer, answer, ask_of
from services.scheduler.clock import MICROSECONDS
from services.scheduler.reading import Reading
from services.scheduler.series_price import add_price
from services.scheduler.wire import calendar_file, replies, requests, series_changes
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.recurrence import Unreadable, civil, demand_sound, occurrences, tzdata_release
from services.scheduler.wire.refusals import problem_of
from services.scheduler.wire.series_changes import POLICIES
from services.scheduler.writer import Writer

POLICY_OF = {
    Policy.FAIL: api.CONFLICT_POLICY_FAIL,
    Policy.SKIP: api.CONFLICT_POLICY_SKIP,
    Policy.SHIFT: api.CONFLICT_POLICY_SHIFT,
}
EFFECT_OF = {
    Effect.UNTOUCHED: api.Occurrence.EFFECT_UNSPECIFIED,
    Effect.KEPT: api.Occurrence.EFFECT_KEPT,
    Effect.CHANGED: api.Occurrence.EFFECT_CHANGED,
    Effect.BOOKED: api.Occurrence.EFFECT_BOOKED,
    Effect.GIVEN_BACK: api.Occurrence.EFFECT_GIVEN_BACK,
    Effect.LEFT: api.Occurrence.EFFECT_LEFT,
    Effect.SKIPPED: api.Occurrence.EFFECT_SKIPPED,
    Effect.ASKED: api.Occurrence.EFFECT_ASKED,
}
RESOURCE_CALENDAR_COST = 20
"""Calls that a company's share of the door is charged for a resource's calendar: every reservation is looked at."""


class SeriesBooking:
    """Books series, shows them, gives them back, and draws calendars."""

    def __init__(self, writer: Writer, reading: Reading) -> None:
        self._writer = writer
        self._reading = reading
        self._centre = writer.centre

    async def create_series(self, call: Call, request: api.CreateSeriesRequest) -> api.Series:
        """Book one demand again and again."""
        company = company_of(call, request.parent)
        command = book_series(request, company)
        call.spend(max(0, len(command.series.occurrences) - 1))  # The door has taken one already.
        if request.validate_only:
            return self._planned(call, request, command)
        made = await administer(self._writer, call, request, command)
        assert isinstance(made, Series)
        return series_reply(made)

    def _planned(self, call: Call, request: api.CreateSeriesRequest, command: commands.BookSeries) -> api.Series:
        """What would become of each occurrence. None has a reservation, for nothing is booked."""
        request.validate_only = False
        try:
            decided = self._writer.check(ask_of(call, request, command))
        except Rejected as refusal:
            raise problem_of(refusal) from None
        told = next((event.series for event in decided if isinstance(event, SeriesBooked)), command.series)
        plain = tuple(replace(each, reservation_id="") for each in told.occurrences)
        return series_reply(replace(told, occurrences=plain))

    async def get_series(self, call: Call, request: api.GetSeriesRequest) -> api.Series:
        """One series. Another company's is a missing one."""
        fields = Fields()
        company, series_id = fields.name("name", request.name, "companies", "series")
        fields.demand_valid()
        position = self._reading.reached(request.min_position)
        series = self._own(call, company, series_id, request.name)
        await self._reading.durable(position)
        return series_reply(series)

    def _own(self, call: Call, company: str, series_id: str, name: str) -> Series:
        """A series of a company that the caller may ask about. Another company's is a missing one."""
        series = self._centre.series.by_id.get(series_id)
        foreign = call.identity.role is Role.COMPANY and call.identity.company != company
        if series is None or series.company != company or foreign:
            raise problem_of(refuse(Reason.SERIES_NOT_FOUND, f"There is no series {name}.", name))
        return series

    async def list_series(self, call: Call, request: api.ListSeriesRequest) -> api.ListSeriesResponse:
        """A company's series, by their first occurrence."""
        company = company_of(call, request.parent, all_allowed=True)
        page = reads.Page.of(request.page_size, request.page_token, f"series {company}", default=50, most=200)
        position = self._reading.reached(0)
        wanted = (each for each in self._centre.series.by_id.values() if company in ("", each.company))
        found, token = page.cut(wanted, lambda series: (series.occurrences[0].start, series.id))
        await self._reading.durable(position)
        return api.ListSeriesResponse(
            series=[series_reply(series) for series in found], next_page_token=token, position=position
        )

    async def update_series(self, call: Call, request: api.UpdateSeriesRequest) -> api.Series:
        """Change what of a series is still to come, or from a time on."""
        company, series_id = series_changes.series_named(request)
        series = self._own(call, company, series_id, request.series.name)
        command = series_changes.change_series(request, company, series_id, series)
        if request.excused:
            demand_operator(call, "Only an operator excuses what a change gives back.")
        call.spend(max(0, len(series.occurrences) - 1))  # The door has taken one already.
        try:
            if request.validate_only:
                request.validate_only = False
                decided = self._writer.check(ask_of(call, request, command))
                shown = series_reply(series_changes.preview(series, decided))
                now = self._writer.now() // MICROSECONDS
                add_price(shown, self._centre, decided, now, excused=request.excused)
                return shown
            made = await answer(self._writer, call, request, command)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        return series_reply(cast(Series, made))

    async def cancel_series(self, call: Call, request: api.CancelSeriesRequest) -> api.Series:
        """Give back what of a series is still to come."""
        command = cancel_series(request)
        if call.identity.role is Role.COMPANY and call.identity.company != command.company:
            raise problem_of(refuse(Reason.SERIES_NOT_FOUND, f"There is no series {request.name}.", request.name))
        demand_reason(call, request)
        if request.excused:
            demand_operator(call, "Only an operator excuses a cancellation.")
        made = await administer(self._writer, call, request, command)
        return series_reply(cast(Series, made) if made else self._centre.series.by_id[command.series_id])

    async def export_calendar(self, call: Call, request: api.ExportCalendarRequest) -> api.CalendarFile:
        """The bookings of a company, or the busy times of a resource, for a calendar program."""
        position = self._reading.reached(request.min_position)
        if request.name.startswith("companies/"):
            name = company_of(call, request.name)
            entries = calendar_file.company_entries(self._centre, name)
        else:
            resource = self._reading.pool(request.name).resource
            self._reading.demand_entitled(call, resource)
            call.spend(RESOURCE_CALENDAR_COST - 1)
            name = resource.display_name or resource.id
            names = call.identity.role is not Role.COMPANY
            entries = calendar_file.resource_entries(self._centre, resource, names=names)
        await self._reading.durable(position)
        content = await asyncio.to_thread(calendar_file.drawn, name, entries)
        return api.CalendarFile(content=content, content_type=calendar_file.CONTENT_TYPE, position=position)


def book_series(request: api.CreateSeriesRequest, company: str) -> commands.BookSeries:
    """A series with its occurrences. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.series
    duration = fields.seconds("series.duration", given.duration)
    if not duration:
        fields.fault("series.duration", "must be longer than nothing")
    found = _occurrences(fields, given, duration)
    series = Series(
        id=requests.new_id(),
        company=company,
        first=given.first,
        duration=duration,
        time_zone=given.time_zone,
        tzdata=tzdata_release(),
        recurrence=tuple(given.recurrence),
        lines=requests.lines_of(fields, "series.lines", given.lines),
        policy=POLICIES.get(given.policy, Policy.FAIL),
        occurrences=found,
        note=fields.text("series.note", given.note),
        participants=requests.participants_of(fields, "series.participants", given),
    )
    if given.policy not in POLICIES:
        fields.fault("series.policy", "must be fail, skip or shift")
    fields.demand_valid()
    return commands.BookSeries(series=series, reservation_ids=tuple(requests.new_id() for _ in found))


def _occurrences(fields: Fields, given: api.Series, duration: int) -> tuple[Occurrence, ...]:
    """The times of a series; none where something about them cannot be read, and all of that is noted."""
    zone = series_changes.zone_of(fields, given.time_zone)
    for field, demand in (
        ("series.first", lambda: civil(given.first)),
        ("series.recurrence", lambda: demand_sound(given.recurrence)),
    ):
        try:
            demand()
        except Unreadable as problem:
            fields.fault(field, str(problem))
    if zone is None or fields.faults:
        return ()
    try:
        times = occurrences(given.first, zone, given.recurrence, duration)
    except Unreadable as problem:
        fields.fault("series.recurrence", str(problem))
        return ()
    return tuple(Occurrence(start=start, end=end) for start, end in times)


def cancel_series(request: api.CancelSeriesRequest) -> commands.CancelSeries:
    """The end of a series. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    company, series_id = fields.name("name", request.name, "companies", "series")
    command = commands.CancelSeries(
        series_id=series_id,
        company=company,
        since=fields.seconds("from_time", request.from_time),
        etag=fields.text("etag", request.etag, 64),
        reason=fields.text("reason", request.reason),
        excused=request.excused,
    )
    fields.demand_valid()
    return command


def series_reply(series: Series) -> api.Series:
    """A series as its company sees it."""
    return api.Series(
        name=f"companies/{series.company}/series/{series.id}",
        lines=replies.line_replies(series.lines),
        first=series.first,
        time_zone=series.time_zone,
        duration=Duration(seconds=series.duration),
        recurrence=series.recurrence,
        policy=POLICY_OF[series.policy],
        note=series.note,
        occurrences=[_occurrence(series.company, each) for each in series.occurrences],
        tzdata_release=series.tzdata,
        cancelled_from_time=Timestamp(seconds=series.cancelled_from) if series.cancelled_from else None,
        etag=series.etag,
        changed_from_time=Timestamp(seconds=series.changed_from) if series.changed_from else None,
        given_back=[_occurrence(series.company, each) for each in series.given_back],
        participants=api.Participants(**replies.plain_participants(series.participants))
        if series.participants is not None
        else None,
    )


def _occurrence(company: str, occurrence: Occurrence) -> api.Occurrence:
    named = occurrence.reservation_id
    return api.Occurrence(
        start_time=Timestamp(seconds=occurrence.start),
        end_time=Timestamp(seconds=occurrence.end),
        reservation=f"companies/{company}/reservations/{named}" if named else "",
        shifted_from_time=Timestamp(seconds=occurrence.shifted_from) if occurrence.shifted_from else None,
        reasons=occurrence.reasons,
        effect=EFFECT_OF[occurrence.effect],
    )
