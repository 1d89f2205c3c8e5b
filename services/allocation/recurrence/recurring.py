"""The decisions about a series: each occurrence on what those before it would change, and told as one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.booking.cancelling import cancel_reservation
from services.allocation.booking.creating import create_reservation
from services.allocation.booking.participants import check_participants
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.centre import Centre
from services.allocation.events import Event, Events
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.resources import Interval
from services.allocation.series import OCCURRENCES_MAX, Occurrence, Policy, Series

SHIFTS_MAX = 24
"""Later starts that are tried for one occurrence."""
VIOLATIONS_MAX = 50
"""Of a series that fails whole, so many violated rules are told."""


def book_series(centre: Centre, command: commands.BookSeries, now: int) -> Events:
    """Book every occurrence, as its policy says, or say everything that stands in the way."""
    series = command.series
    check_length(len(series.occurrences))
    if series.participants is not None:
        check_participants(series.participants)
    made: list[Event] = []
    occurrences: list[Occurrence] = []
    refusals: list[tuple[Occurrence, Rejected]] = []
    with Rehearsal(centre) as rehearsal:
        for wanted, reservation_id in zip(series.occurrences, command.reservation_ids, strict=True):
            found, granted = _occurrence(centre, series, wanted, reservation_id, now)
            if isinstance(granted, Rejected):
                refusals.append((wanted, granted))
            else:
                rehearsal.play(granted)
                made += granted
            occurrences.append(found)
    if refusals and (series.policy is Policy.FAIL or not made):
        raise Rejected(told(series, refusals))
    return *made, events.SeriesBooked(series=replace(series, occurrences=tuple(occurrences)))


def cancel_series(centre: Centre, command: commands.CancelSeries, now: int) -> Events:
    """Give back what of a series has not begun, from a moment on."""
    series = find_series(centre, command)
    since = max(command.since, now + 1)
    made: list[Event] = []
    with Rehearsal(centre) as rehearsal:
        for occurrence in series.booked_from(since):
            reservation = centre.reservations.get(occurrence.reservation_id)
            if reservation is None or reservation.company != series.company:
                continue  # It was handed over, or is long over.
            if not reservation.state.waiting or reservation.start <= now:
                continue
            one = commands.CancelReservation(
                reservation_id=reservation.id, company=series.company, reason=command.reason, excused=command.excused
            )
            given_back = cancel_reservation(centre, one, now)
            made += given_back
            rehearsal.play(given_back)  # Strikes add up.
    if not made:
        raise refuse(Reason.WRONG_STATE, "Nothing of this series is still to come from there on.", series.id)
    return (
        *made,
        events.SeriesCancelled(series_id=series.id, company=series.company, since=since, reason=command.reason),
    )


def check_length(count: int) -> None:
    """Raises `Rejected` for a series of so many occurrences, if it is none or too long."""
    if not 1 <= count <= OCCURRENCES_MAX:
        raise refuse(
            Reason.INVALID_SERIES,
            f"The rule gives {count} occurrences; a series has 1 to {OCCURRENCES_MAX}.",
            limit=OCCURRENCES_MAX,
            asked=count,
        )


def find_series(centre: Centre, command: commands.ChangeSeries | commands.CancelSeries) -> Series:
    """The series that a command names. Another company's answers exactly like a missing one."""
    series = centre.series.by_id.get(command.series_id)
    if series is None or series.company != command.company:
        name = f"companies/{command.company}/series/{command.series_id}"
        raise refuse(Reason.SERIES_NOT_FOUND, f"There is no series {name}.", name)
    if command.etag and command.etag != series.etag:
        raise refuse(Reason.STALE_ETAG, "The series has changed since it was read. Read it again.", series.id)
    return series


def _occurrence(
    centre: Centre, series: Series, wanted: Occurrence, reservation_id: str, now: int
) -> tuple[Occurrence, Events | Rejected]:
    """What becomes of one occurrence: the events that grant it, at its time or a later one, or why it is refused."""
    refusal: Rejected | None = None
    for start, end in tries(centre, series, wanted):
        one = commands.CreateReservation(
            reservation_id=reservation_id,
            company=series.company,
            start=start,
            end=end,
            lines=series.lines,
            note=series.note,
            participants=series.participants,
        )
        try:
            granted = create_reservation(centre, one, now)
        except Rejected as rejected:
            refusal = refusal or rejected
            continue
        shifted = wanted.start if start != wanted.start else 0
        return Occurrence(start=start, end=end, reservation_id=reservation_id, shifted_from=shifted), granted
    assert refusal is not None, "the wanted time itself is tried"
    return replace(wanted, reasons=reasons_of(refusal)), refusal


def reasons_of(refusal: Rejected) -> tuple[str, ...]:
    """The reasons of a refusal, each once."""
    return tuple(dict.fromkeys(violation.reason.value for violation in refusal.violations))


def tries(centre: Centre, series: Series, wanted: Occurrence) -> Iterator[Interval]:
    """The wanted time, and where the policy is to shift, later starts of the same local day, slot by slot."""
    yield wanted.start, wanted.end
    pool = centre.pools.get(series.lines[0].resource) if series.lines else None
    if series.policy is not Policy.SHIFT or pool is None:
        return
    zone = ZoneInfo(series.time_zone)
    day = datetime.fromtimestamp(wanted.start, UTC).astimezone(zone).date()
    for number in range(1, SHIFTS_MAX + 1):
        start = wanted.start + number * pool.resource.slot_seconds
        if datetime.fromtimestamp(start, UTC).astimezone(zone).date() != day:
            return
        yield start, start + wanted.end - wanted.start


def told(series: Series, refusals: list[tuple[Occurrence, Rejected]]) -> Iterator[Violation]:
    """Every violated rule, with the local time of the occurrence that it is about."""
    zone = ZoneInfo(series.time_zone)
    number = 0
    for occurrence, refusal in refusals:
        moment = datetime.fromtimestamp(occurrence.start, UTC).astimezone(zone)
        for violation in refusal.violations:
            if number < VIOLATIONS_MAX:
                yield replace(violation, description=f"On {moment:%Y-%m-%d %H:%M %Z}: {violation.description}")
            number += 1
