"""What a change of a series asks of each of its occurrences: which stay, which are given back, and what of the others.

An occurrence is known by its local day. One whose day the rule still has keeps its reservation there; of the others the
first moves to the first day that the rule has anew, the second to the second, and so on. What the rule has beyond that
is booked, and what is left over is given back. What began, is over or was given back stays, and its day is not booked
again. What was changed of one occurrence alone stays as it was changed, field by field, unless that is overwritten.
"""

from collections import defaultdict, deque
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.centre import Centre
from services.allocation.commands import ChangeReservation, ChangeSeries, CreateReservation
from services.allocation.series import NOBODY, Effect, Occurrence, Series
from services.allocation.values.people import Participants


class Turn(Struct, frozen=True, kw_only=True):
    """What is asked of one occurrence. `was` is None for one that is not booked."""

    was: Occurrence | None
    wanted: Occurrence
    command: ChangeReservation | CreateReservation
    shifts: bool = True  # Whether it may stand later on its day: not if its time was changed alone.

    @property
    def name(self) -> str:
        """The reservation that it is about."""
        return self.wanted.reservation_id

    @property
    def order(self) -> tuple[bool, bool, int]:
        """When it is asked: what moves later makes room for what comes before it, and what is new comes last."""
        later = self.was is not None and self.wanted.start > self.was.start
        return self.was is None, not later, -self.wanted.start if later else self.wanted.start


class Plan(Struct, frozen=True, kw_only=True):
    """What stays as it is, what is given back, and what is asked of the others, in the order to ask it in."""

    kept: tuple[Occurrence, ...]
    dropped: tuple[Occurrence, ...]
    turns: tuple[Turn, ...]
    to_come: bool  # Whether there is anything that could be changed.


class Match(Struct):
    """Occurrences still to come: those that stay, each with its start where it moves, and others; and new starts."""

    staying: list[tuple[Occurrence, int | None]] = []
    dropped: list[Occurrence] = []
    skipped: list[Occurrence] = []
    starts: list[int] = []


def plan_of(centre: Centre, series: Series, asked: Series, command: ChangeSeries, now: int) -> Plan:
    """What a command asks of each occurrence of a series, which shall be as `asked`."""
    over: list[Occurrence] = []
    to_come: list[Occurrence] = []
    for each in series.occurrences:
        (to_come if _still_to_come(centre, series, each, command.since, now) else over).append(each)
    times = command.starts
    match = (
        _as_they_are(command, to_come) if times is None else _by_rule(series, asked, command, times, over, to_come, now)
    )
    outcomes = [_change(centre, series, command, was, start) for was, start in match.staying]
    ids = zip(sorted(match.starts), command.reservation_ids, strict=False)
    turns = [each for each in outcomes if isinstance(each, Turn)] + [_booking(asked, *each) for each in ids]
    return Plan(
        kept=(
            *(left_behind(series, command, each) for each in (*over, *match.skipped)),
            *(each for each in outcomes if isinstance(each, Occurrence)),
        ),
        dropped=tuple(match.dropped),
        turns=tuple(sorted(turns, key=lambda turn: turn.order)),
        to_come=bool(to_come or match.starts),
    )


def left_behind(series: Series, command: ChangeSeries, was: Occurrence) -> Occurrence:
    """An occurrence that a change leaves alone: it remembers what the series asked of it, if that is different now."""
    if not was.reservation_id:
        return replace(was, effect=Effect.UNTOUCHED)
    return replace(
        was,
        reasons=(),
        lines=was.lines if command.lines is None else was.lines or series.lines,
        note=series.note if command.note is not None and was.note is None else was.note,
        participants=was.participants
        if command.participants is None
        else was.participants or series.participants or NOBODY,
        effect=Effect.UNTOUCHED,
    )


def _still_to_come(centre: Centre, series: Series, occurrence: Occurrence, since: int, now: int) -> bool:
    """Whether an occurrence can be changed: it waits, or was skipped, and begins late enough."""
    reservation = centre.reservations.get(occurrence.reservation_id)
    if reservation is None:
        return not occurrence.reservation_id and occurrence.start > now and occurrence.start >= since
    mine = reservation.company == series.company  # One that was handed over is no longer the series' business.
    return mine and reservation.state.waiting and reservation.start > now and reservation.start >= since


def _as_they_are(command: ChangeSeries, to_come: list[Occurrence]) -> Match:
    """Everything at its time. What was skipped is asked for again where another demand is made."""
    again = any(each is not None for each in (command.lines, command.duration, command.participants))
    skipped = [each for each in to_come if not each.reservation_id]
    return Match(
        staying=[(each, None) for each in to_come if each.reservation_id],
        skipped=[] if again else skipped,
        starts=[each.by_rule for each in skipped] if again else [],
    )


def _by_rule(
    series: Series,
    asked: Series,
    command: ChangeSeries,
    times: tuple[int, ...],
    over: list[Occurrence],
    to_come: list[Occurrence],
    now: int,
) -> Match:
    """Where the rule has each occurrence now: first on its own day, then in order.

    The day of each is that of the clock it was read by: in another zone the same day is another time.
    """
    zone = ZoneInfo(series.time_zone)
    days: dict[date, deque[int]] = defaultdict(deque)
    for start in times:
        days[_day(start, ZoneInfo(asked.time_zone))].append(start)
    moves = command.first is not None or asked.time_zone != series.time_zone
    for each in over:
        if own := days[_day(each.by_rule, zone)]:
            own.popleft()
    match, homeless = Match(), []
    for each in to_come:
        own = days[_day(each.by_rule, zone)]
        if not each.reservation_id:
            match.starts += [own.popleft()] if own else []
        elif own:
            start = own.popleft()
            match.staying.append((each, start if moves else None))
        else:
            homeless.append(each)
    fresh = sorted(start for left in days.values() for start in left if _may_begin(asked, command, start, now))
    match.staying += zip(homeless, fresh, strict=False)
    match.dropped += homeless[len(fresh) :]
    match.starts += fresh[len(homeless) :]
    return match


def _may_begin(asked: Series, command: ChangeSeries, start: int, now: int) -> bool:
    """Whether an occurrence may be put where there was none: not in the past, nor where the series was given back."""
    zone = ZoneInfo(asked.time_zone)
    given_back = 0 < asked.cancelled_from <= start
    return start > now and _day(start, zone) >= _day(max(command.since, now), zone) and not given_back


def _change(
    centre: Centre, series: Series, command: ChangeSeries, was: Occurrence, start: int | None
) -> Turn | Occurrence:
    """What is asked of one that is booked, or how it stays."""
    kept = centre.reservations[was.reservation_id]
    stands = kept.as_asked  # What waits for an answer is what it shall be by now.
    length, wanted = stands.end - stands.start, _wanted(command, was, start)
    alone = not command.overwrites
    moved_alone = alone and stands.start != was.start
    begins = stands.start if start is None or moved_alone else start
    if command.duration is not None and not (alone and length != was.end - was.start):
        length = command.duration
    lines, note = stands.lines, stands.note
    if command.lines is not None and not (alone and lines != (was.lines or series.lines)):
        lines = command.lines
    if command.note is not None and not (alone and note != (series.note if was.note is None else was.note)):
        note = command.note
    people = command.participants
    if alone and _people(stands.participants) != _people(was.participants or series.participants):
        people = None
    same = people is None or _people(people) == _people(stands.participants)
    moves = (begins, begins + length, lines) != (stands.start, stands.end, stands.lines)
    if same and not moves and note == stands.note:
        return replace(wanted, effect=Effect.KEPT)
    # Where only the note is another one, a change that waits waits on.
    moves = moves or kept.asked is None or not same
    one = ChangeReservation(
        reservation_id=stands.id,
        company=stands.company,
        start=begins if moves else None,
        end=begins + length if moves else None,
        lines=lines if moves else None,
        note=note,
        participants=people,
        excused=command.excused,
    )
    return Turn(was=was, wanted=wanted, command=one, shifts=not moved_alone)


def _people(participants: Participants | None) -> tuple[int, tuple[str, ...]]:
    """How many a class has and their ids, whoever of them has come; nobody where there is none."""
    return (participants.count, participants.ids) if participants is not None else (0, ())


def _wanted(command: ChangeSeries, was: Occurrence, start: int | None) -> Occurrence:
    """What the series will say of an occurrence, once it is as asked."""
    begins = was.start if start is None else start
    length = was.end - was.start if command.duration is None else command.duration
    return replace(
        was,
        start=begins,
        end=begins + length,
        shifted_from=was.shifted_from if begins == was.start else 0,
        reasons=(),
        lines=was.lines if command.lines is None else (),
        note=was.note if command.note is None else None,
        participants=was.participants if command.participants is None else None,
        effect=Effect.CHANGED,
    )


def _booking(asked: Series, start: int, reservation_id: str) -> Turn:
    """What is asked of one that is not booked."""
    one = CreateReservation(
        reservation_id=reservation_id,
        company=asked.company,
        start=start,
        end=start + asked.duration,
        lines=asked.lines,
        note=asked.note,
        participants=asked.participants,
    )
    wanted = Occurrence(start=start, end=one.end, reservation_id=reservation_id, effect=Effect.BOOKED)
    return Turn(was=None, wanted=wanted, command=one)


def _day(moment: int, zone: ZoneInfo) -> date:
    """The day of a moment by the clock of a zone."""
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).date()
