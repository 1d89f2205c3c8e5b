"""Changing a series over the wire: what the mask means, civil times in its zone, and what a calendar program reads."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import icalendar
import pytest
import recurring_ical_events
from google.protobuf.field_mask_pb2 import FieldMask

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.recurrence import local, tzdata_release
from tests.allocation.scenario import DAY, HOUR
from tests.scheduler.serving import ALPHA, BETA, NOON, OPERATOR, Desk, Refused, demand, request_id
from tests.scheduler.test_grpc_tenants import series

BERLIN = ZoneInfo("Europe/Berlin")
EFFECT = api.Occurrence


def changing(
    name: str, number: int = 30, mask: str | None = None, since: int = 0, validate_only: bool = False, **fields: Any
) -> api.UpdateSeriesRequest:
    """A change of a series; a duration in seconds, lines as units of cores."""
    wish = api.Series(name=name)
    for field, value in fields.items():
        match field:
            case "duration":
                wish.duration.seconds = value
            case "cores":
                wish.lines.add(resource="resources/cpu", units=value)
            case "recurrence":
                wish.recurrence.extend(value)
            case _:
                setattr(wish, field, value)
    request = api.UpdateSeriesRequest(
        series=wish,
        update_mask=None if mask is None else FieldMask(paths=mask.split(",")),
        request_id=request_id(number),
        validate_only=validate_only,
    )
    if since:
        request.from_time.seconds = since
    return request


async def booked(desk: Desk, rule: str = "FREQ=DAILY;COUNT=3", zone: str = "Asia/Seoul") -> api.Series:
    """A core for an hour at noon, on days from the third of March on."""
    wish = series("ALPHA")
    wish.series.time_zone = zone
    wish.series.recurrence[:] = [f"RRULE:{rule}"]
    made: api.Series = await desk.call("CreateSeries", wish)
    return made


def starts(found: api.Series) -> list[tuple[int, int]]:
    """The day and the hour after noon of each occurrence."""
    return [divmod((each.start_time.seconds - NOON) // HOUR + 12, 24) for each in found.occurrences]


async def test_all_of_a_series_is_changed_and_asking_again_changes_nothing_more(desk: Desk) -> None:
    """Its reservations keep their names; the same request gives the same answer (P4), and another body is refused."""
    made = await booked(desk)
    wish = changing(made.name, first="2026-03-03T14:00", duration=2 * HOUR, cores=2, note="later")
    after = await desk.call("UpdateSeries", wish)
    assert starts(after) == [(0, 14), (1, 14), (2, 14)]
    assert [each.reservation for each in after.occurrences] == [each.reservation for each in made.occurrences]
    assert {each.effect for each in after.occurrences} == {EFFECT.EFFECT_CHANGED}
    first = await desk.call("GetReservation", api.GetReservationRequest(name=after.occurrences[0].reservation))
    assert (first.start_time, first.end_time) == (after.occurrences[0].start_time, after.occurrences[0].end_time)
    assert (first.lines[0].units, first.note, first.series) == (2, "later", made.name)
    pages = len(desk.log.pages)
    assert await desk.call("UpdateSeries", wish) == after
    assert len(desk.log.pages) == pages
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateSeries", changing(made.name, note="other"))
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert await desk.call("GetSeries", api.GetSeriesRequest(name=made.name)) == after


@pytest.mark.parametrize(
    ("mask", "fields", "expected"),
    [
        ("note", {"first": "2026-03-03T15:00"}, ("2026-03-03T12:00", 1, 1, "")),
        ("lines,duration", {"cores": 3, "duration": 2 * HOUR, "note": "x"}, ("2026-03-03T12:00", 2, 3, "")),
        (None, {"first": "2026-03-03T15:00", "note": "x"}, ("2026-03-03T15:00", 1, 1, "x")),
        (
            "*",
            {
                "first": "2026-03-03T15:00",
                "cores": 2,
                "duration": HOUR,
                "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
                "policy": api.CONFLICT_POLICY_SKIP,
            },
            ("2026-03-03T15:00", 1, 2, ""),
        ),
    ],
)
async def test_the_mask_says_what_changes(
    desk: Desk, mask: str | None, fields: dict[str, Any], expected: tuple[str, int, int, str]
) -> None:
    """What it names is taken from the request, and all else stays; without one, whatever is set."""
    made = await booked(desk)
    after = await desk.call("UpdateSeries", changing(made.name, mask=mask, **fields))
    assert (after.first, after.duration.seconds // HOUR, after.lines[0].units, after.note) == expected


async def test_the_wall_clock_counts_on_both_sides_of_a_change_of_the_clock(desk: Desk) -> None:
    """The new local time is that of the zone, whatever its clock does on 29 March."""
    made = await booked(desk, "FREQ=WEEKLY;COUNT=5", "Europe/Berlin")
    after = await desk.call("UpdateSeries", changing(made.name, first="2026-03-03T16:00"))
    found = [f"{local(each.start_time.seconds, BERLIN):%m-%d %H:%M %Z}" for each in after.occurrences]
    assert found == ["03-03 16:00 CET", "03-10 16:00 CET", "03-17 16:00 CET", "03-24 16:00 CET", "03-31 16:00 CEST"]


@pytest.mark.parametrize("since", ["2026-03-01", "2026-03-24"])
async def test_in_another_zone_the_same_wall_clock_is_another_time(desk: Desk, since: str) -> None:
    """All, or this and the following: the names and the days stay, and noon is Berlin's, on either side of 29 March."""
    made = await booked(desk, "FREQ=WEEKLY;COUNT=5")
    seoul = ZoneInfo(made.time_zone)
    moment = int(datetime.fromisoformat(since).replace(tzinfo=seoul).timestamp())
    after = await desk.call("UpdateSeries", changing(made.name, since=moment, time_zone="Europe/Berlin"))
    assert (after.time_zone, after.tzdata_release) == ("Europe/Berlin", tzdata_release())
    assert {each.reservation for each in after.occurrences} == {each.reservation for each in made.occurrences}
    for was, each in zip(made.occurrences, after.occurrences, strict=True):
        moves = was.start_time.seconds >= moment
        shown = local(each.start_time.seconds, BERLIN if moves else seoul)
        assert (shown.hour, shown.date()) == (12, local(was.start_time.seconds, seoul).date())
        booked_at = await desk.call("GetReservation", api.GetReservationRequest(name=each.reservation))
        assert booked_at.start_time == each.start_time
    hours = {
        (each.start_time.seconds - was.start_time.seconds) // HOUR
        for was, each in zip(made.occurrences, after.occurrences, strict=True)
    }
    assert hours == ({8, 7} if since == "2026-03-01" else {0, 8, 7})


async def test_what_would_become_of_each_is_shown_and_nothing_happens(desk: Desk) -> None:
    """`validate_only` tells of each occurrence, those that would be given back included; the log stays as it is."""
    made = await booked(desk)
    pages = len(desk.log.pages)
    wish = changing(
        made.name, since=NOON + DAY, validate_only=True, cores=2, recurrence=["RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"]
    )
    shown = await desk.call("UpdateSeries", wish)
    assert [each.effect for each in shown.occurrences] == [
        *(EFFECT.EFFECT_UNSPECIFIED, EFFECT.EFFECT_CHANGED, EFFECT.EFFECT_CHANGED)
    ]
    assert starts(shown) == [(0, 12), (2, 12), (4, 12)]
    fewer = changing(made.name, validate_only=True, recurrence=["RRULE:FREQ=DAILY;COUNT=1"])
    shown = await desk.call("UpdateSeries", fewer)
    assert [each.effect for each in shown.given_back] == [EFFECT.EFFECT_GIVEN_BACK] * 2
    assert [each.reservation for each in shown.given_back] == [each.reservation for each in made.occurrences[1:]]
    assert len(desk.log.pages) == pages
    assert await desk.call("GetSeries", api.GetSeriesRequest(name=made.name)) == made


async def test_a_refused_change_tells_each_conflict_and_loses_nothing(desk: Desk) -> None:
    """To fail leaves all as it was; to skip changes the others, and says why not that one."""
    made = await booked(desk)
    await desk.call("CreateReservation", demand(9, ("cpu", 224), start=NOON + 2 * HOUR + DAY))
    pages = len(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateSeries", changing(made.name, first="2026-03-03T14:00"))
    assert refused.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "2026-03-04 14:00" in refused.value.refusal.violations[0].description
    assert len(desk.log.pages) == pages
    skip = changing(made.name, 31, first="2026-03-03T14:00", policy=api.CONFLICT_POLICY_SKIP)
    after = await desk.call("UpdateSeries", skip)
    assert starts(after) == [(0, 14), (1, 12), (2, 14)]
    assert [each.effect for each in after.occurrences].count(EFFECT.EFFECT_LEFT) == 1
    assert list(after.occurrences[1].reasons) == ["NO_CAPACITY"]


async def test_a_calendar_program_reads_the_changed_times(desk: Desk) -> None:
    """The same events at their new times with a higher sequence, and nothing of what was given back."""
    made = await booked(desk)
    before = icalendar.Calendar.from_ical((await exported(desk)).content)
    wish = changing(made.name, first="2026-03-03T14:00", recurrence=["RRULE:FREQ=DAILY;COUNT=2"], note="드라이브")
    await desk.call("UpdateSeries", wish)
    after = icalendar.Calendar.from_ical((await exported(desk)).content)
    day = datetime.fromtimestamp(NOON, UTC)
    found = recurring_ical_events.of(after).between(day - timedelta(days=1), day + timedelta(days=7))
    told = sorted((each["DTSTART"].dt.timestamp(), str(each["DESCRIPTION"]), int(each["SEQUENCE"])) for each in found)
    assert told == [(NOON + 2 * HOUR, "드라이브", 1), (NOON + 2 * HOUR + DAY, "드라이브", 1)]
    assert {str(each["UID"]) for each in after.events} < {str(each["UID"]) for each in before.events}


async def test_what_fits_no_page_is_refused_whole(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is one entry of one page: what would be larger is a plain no, asked about or asked for."""
    made = await booked(desk)
    pages = len(desk.log.pages)
    monkeypatch.setattr("services.scheduler.writer.PAGE_BYTES_MAX", 1_000)
    for only_asking in (True, False):
        anew = series("ALPHA")
        anew.validate_only, anew.request_id = only_asking, request_id(31)
        wishes = {"UpdateSeries": changing(made.name, cores=2, validate_only=only_asking), "CreateSeries": anew}
        for method, wish in wishes.items():
            with pytest.raises(Refused) as refused:
                await desk.call(method, wish)
            assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SERIES")
    assert len(desk.log.pages) == pages
    assert await desk.call("GetSeries", api.GetSeriesRequest(name=made.name)) == made


async def exported(desk: Desk) -> api.CalendarFile:
    """The calendar of the company."""
    file: api.CalendarFile = await desk.call("ExportCalendar", api.ExportCalendarRequest(name="companies/ALPHA"))
    return file


@pytest.mark.parametrize(
    ("mask", "fields", "faulty"),
    [
        ("tzdata_release", {"tzdata_release": "2026a"}, "update_mask"),
        ("time_zone", {"time_zone": "Mars/Olympus"}, "series.time_zone"),
        ("time_zone", {}, "series.time_zone"),
        ("flavour", {}, "update_mask"),
        (None, {}, "update_mask"),
        ("first", {"first": "soon"}, "series.first"),
        ("recurrence", {"recurrence": ["RRULE:FREQ=DAILY"]}, "series.recurrence"),
        ("recurrence", {"recurrence": ["RRULE:FREQ=YEARLY;COUNT=1"]}, "series.recurrence"),
        ("duration", {}, "series.duration"),
        ("note", {"note": "x" * 501}, "series.note"),
        ("policy", {"policy": 99}, "series.policy"),
    ],
)
async def test_what_makes_no_sense_is_named(desk: Desk, mask: str | None, fields: dict[str, Any], faulty: str) -> None:
    """A field that is wrong, and a path that is none or stays as it is, are refused by name."""
    made = await booked(desk)
    pages = len(desk.log.pages)
    with pytest.raises(Refused) as refused:
        await desk.call("UpdateSeries", changing(made.name, mask=mask, **fields))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert faulty in str(refused.value.status)
    assert len(desk.log.pages) == pages


async def test_an_old_etag_and_what_is_not_ones_own_are_refused(desk: Desk) -> None:
    """Who has not read the last change decides again; another's series is a missing one (P8), and operators excuse."""
    made = await booked(desk)
    wish = changing(made.name, note="x")
    wish.etag = '"9"'
    with pytest.raises(Refused) as stale:
        await desk.call("UpdateSeries", wish)
    assert (stale.value.code, stale.value.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    with pytest.raises(Refused) as foreign:
        await desk.call("UpdateSeries", changing(made.name, note="x"), BETA)
    with pytest.raises(Refused) as missing:
        await desk.call("UpdateSeries", changing("companies/ALPHA/series/none", note="x"), ALPHA)
    wish = changing(made.name, note="x")
    wish.excused = True
    with pytest.raises(Refused) as excused:
        await desk.call("UpdateSeries", wish)
    assert excused.value.code is grpc.StatusCode.PERMISSION_DENIED
    assert foreign.value.code is missing.value.code is grpc.StatusCode.NOT_FOUND
    assert foreign.value.reason == missing.value.reason == "SERIES_NOT_FOUND"


async def test_a_change_that_is_only_looked_at_tells_its_price(desk: Desk) -> None:
    """The difference in KRW is that of the reservations before and after; what is given back is quoted with it."""
    card = api.Tariff(
        name="tariffs/t",
        prices=[api.Price(resource="resources/cpu", krw=100, basis=api.PRICE_BASIS_HOUR)],
        compute_late_percent=50,
    )
    await desk.call("PublishTariff", api.PublishTariffRequest(tariff=card, request_id=request_id(60)), OPERATOR)
    made = await booked(desk)
    cost = await _cost(desk, made)
    wishes: list[dict[str, Any]] = [
        {"duration": 2 * HOUR, "cores": 3},
        {"recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]},
        {"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]},
        {"note": "only words"},
    ]
    for number, wish in enumerate(wishes, 61):
        told = await desk.call("UpdateSeries", changing(made.name, number, validate_only=True, **wish))
        done = await desk.call("UpdateSeries", changing(made.name, number, **wish))
        assert not done.HasField("cost_change_krw")
        now = await _cost(desk, done)
        assert told.cost_change_krw == now - cost
        assert told.HasField("cancellation_quote") == (now < cost)
        if now < cost:
            assert told.cancellation_quote.refund_krw + told.cancellation_quote.due_krw == cost - now
        cost = now


async def _cost(desk: Desk, found: api.Series) -> int:
    """What all occurrences cost together, in KRW."""
    names = [each.reservation for each in found.occurrences]
    return sum([(await desk.call("GetReservation", api.GetReservationRequest(name=name))).cost.krw for name in names])
