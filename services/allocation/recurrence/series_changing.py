"""Changing a series: every occurrence still to come, each on what the others leave, and all of it told as one.

Nothing is given up before its successor is granted: an occurrence that is refused stays as it was, or, where the policy
is to fail, the whole series does. Occurrences make room for one another, so what is refused is asked again after the
others; and those that stand in each other's places change them at once (`changing_places`). What somebody must agree to
is asked for, occurrence by occurrence: each waits for its own answer, and stays as it was until then.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.booking.cancelling import cancel_reservation
from services.allocation.booking.participants import check_participants
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.centre import Centre
from services.allocation.events import Event, Events
from services.allocation.recurrence.changing_places import Granted, Refusals, Trials, decided
from services.allocation.recurrence.recurring import check_length, find_series, reasons_of, told, tries
from services.allocation.recurrence.series_plan import Plan, Turn, left_behind, plan_of
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.series import OCCURRENCES_MAX, Effect, Occurrence, Policy, Series

PASSES_MAX = 8
"""An occurrence that is refused is asked so many times, after others have made room."""


def change_series(centre: Centre, command: commands.ChangeSeries, now: int) -> Events:
    """Let what is still to come of a series be as asked, or say everything that stands in the way."""
    series = find_series(centre, command)
    if command.starts is not None:
        check_length(len(command.starts))
    if command.participants is not None:
        check_participants(command.participants)
    asked = _asked(series, command)
    plan = plan_of(centre, series, asked, command, now)
    _check_possible(series, plan)
    with Rehearsal(centre) as rehearsal:
        change = SeriesChange(centre, asked, rehearsal, now)
        for each in plan.dropped:
            change.play(cancel_reservation(centre, _cancellation(series, each, command.excused), now))
        refused = change.take(plan.turns)
        if asked.policy is Policy.SHIFT:
            refused = change.take_later(refused)
    if refused and (asked.policy is Policy.FAIL or not change.made):
        in_time = sorted(refused, key=lambda each: each[0].wanted.start)
        raise Rejected(told(asked, [(turn.wanted, refusal) for turn, refusal in in_time]))
    occurrences = [*plan.kept, *change.settled, *(_refused(series, command, *each) for each in refused)]
    since = max(command.since, now + 1)
    after = replace(
        asked,
        occurrences=tuple(sorted(occurrences, key=lambda each: (each.start, each.reservation_id))),
        given_back=tuple(replace(each, effect=Effect.GIVEN_BACK) for each in plan.dropped),
        changed_from=since,
        version=series.version + 1,
    )
    return *change.made, events.SeriesChanged(series=after, since=since)


class SeriesChange:
    """A change of a series while it is decided: what was granted so far, and is true in the rehearsal."""

    def __init__(self, centre: Centre, asked: Series, rehearsal: Rehearsal, now: int) -> None:
        self.made: list[Event] = []
        self.settled: list[Occurrence] = []
        self._centre = centre
        self._asked = asked
        self._rehearsal = rehearsal
        self._now = now
        self._trials = Trials(centre, now)

    def play(self, happens: Events) -> None:
        """Let something be true for what is decided next."""
        self._rehearsal.play(happens)
        self.made += happens

    def take(self, turns: Iterable[Turn]) -> Refusals:
        """Grant what can be granted. Gives the others, with what refused each as everything stood at the last.

        Where the policy is to fail, only those are given that would be refused had all others gone out of the way.
        """
        refused = self._one_by_one(list(turns))
        if self._asked.policy is Policy.FAIL:
            granted, refused = self._trials.grant_all(refused, _as_asked)
            self._settle_all(granted)
            return refused
        while granted := self._trials.grant([turn for turn, _ in refused], _as_asked):
            self._settle_all(granted)
            had = {each.turn.name for each in granted}
            refused = self._one_by_one([turn for turn, _ in refused if turn.name not in had])
        return refused

    def take_later(self, refused: Refusals) -> Refusals:
        """Grant what can be had later on its day. Gives the others."""
        granted = self._trials.grant([turn for turn, _ in refused], self._later)
        self._settle_all(granted)
        had = {each.turn.name for each in granted}
        left: Refusals = []
        for turn, refusal in refused:
            if turn.name not in had and all(map(self._try, self._later(turn))):
                left.append((turn, refusal))
        return left

    def _one_by_one(self, left: list[Turn]) -> Refusals:
        """Grant what can be granted on what the others leave, again and again while that makes room."""
        refused: Refusals = []
        for _ in range(PASSES_MAX):
            refused = [(turn, refusal) for turn in left if (refusal := self._try(turn)) is not None]
            if len(refused) in (0, len(left)):
                break
            left = [turn for turn, _ in refused]
        return refused

    def _later(self, turn: Turn) -> Iterator[Turn]:
        """An occurrence as it is asked for, and at every later start of its day if it may stand there."""
        length = (turn.command.end or 0) - (turn.command.start or 0)
        wanted = turn.wanted
        if not turn.shifts or turn.command.start is None:
            yield turn
            return
        for start, end in tries(self._centre, self._asked, wanted):
            later = replace(wanted, start=start, end=end, shifted_from=wanted.by_rule if start != wanted.start else 0)
            yield replace(turn, wanted=later, command=replace(turn.command, start=start, end=start + length))

    def _try(self, turn: Turn) -> Rejected | None:
        """Grant an occurrence, or give the refusal."""
        try:
            happens = decided(self._centre, turn, self._now)
        except Rejected as refusal:
            return refusal
        self.play(happens)
        waits = any(isinstance(event, events.ChangeRequested) for event in happens)
        self.settled.append(replace(turn.wanted, effect=Effect.ASKED) if waits else turn.wanted)
        return None

    def _settle_all(self, granted: Iterable[Granted]) -> None:
        for each in granted:
            self.play(each.happens)
            self.settled.append(each.turn.wanted)


def _as_asked(turn: Turn) -> tuple[Turn, ...]:
    return (turn,)


def _asked(series: Series, command: commands.ChangeSeries) -> Series:
    """The series with what the command says of it."""
    return replace(
        series,
        first=series.first if command.first is None else command.first,
        time_zone=series.time_zone if command.time_zone is None else command.time_zone,
        recurrence=series.recurrence if command.recurrence is None else command.recurrence,
        tzdata=series.tzdata if command.starts is None else command.tzdata,
        duration=series.duration if command.duration is None else command.duration,
        lines=series.lines if command.lines is None else command.lines,
        note=series.note if command.note is None else command.note,
        participants=series.participants if command.participants is None else command.participants,
        policy=series.policy if command.policy is None else command.policy,
    )


def _check_possible(series: Series, plan: Plan) -> None:
    """Raises `Rejected` where there is nothing to change, or the series would be too long."""
    if not plan.to_come:
        raise refuse(Reason.WRONG_STATE, "Nothing of this series is still to come from there on. Book anew.", series.id)
    count = len(plan.kept) + len(plan.turns)
    if not count:
        raise refuse(Reason.INVALID_SERIES, "Nothing would be left of the series. Give it back as a whole.", series.id)
    if count > OCCURRENCES_MAX:
        raise refuse(
            Reason.INVALID_SERIES,
            f"With what has been, the series would have {count} occurrences; {OCCURRENCES_MAX} is the most. "
            "Book the rest as another series.",
            series.id,
            limit=OCCURRENCES_MAX,
            asked=count,
        )


def _cancellation(series: Series, occurrence: Occurrence, excused: bool) -> commands.CancelReservation:
    """That an occurrence is given back, which the rule has no more."""
    return commands.CancelReservation(
        reservation_id=occurrence.reservation_id,
        company=series.company,
        reason="The series changed.",
        excused=excused,
    )


def _refused(series: Series, command: commands.ChangeSeries, turn: Turn, refusal: Rejected) -> Occurrence:
    """What the series says of an occurrence that was not granted: it stays as it was, or is skipped."""
    if turn.was is None:
        return replace(turn.wanted, reservation_id="", reasons=reasons_of(refusal), effect=Effect.SKIPPED)
    return replace(left_behind(series, command, turn.was), reasons=reasons_of(refusal), effect=Effect.LEFT)
