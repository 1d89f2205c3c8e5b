"""Changing a reservation: another interval, other units, another note. It keeps its name and, if refused, its place.

While a change is decided, what the reservation holds is free to it: in the calendars, the groups and the quota. The
rules are asked of what is new (`news`). What has begun keeps its units and its past: time that lies ahead can be given
back, and more of the same be added to its end.
"""

from collections.abc import Iterator
from itertools import chain
from math import lcm

from msgspec.structs import replace

from services.allocation import commands, events, rules
from services.allocation.attendance.strikes import late_change, late_strike
from services.allocation.booking import asking, reapproving
from services.allocation.booking.news import news_of
from services.allocation.booking.participants import regrouped, seat_violations
from services.allocation.booking.wish import Wish
from services.allocation.centre import Centre
from services.allocation.events import Event, Events
from services.allocation.finding import find, wrong_state
from services.allocation.limits.overburn import overburnt
from services.allocation.measures import DAY_SECONDS, HOUR_SECONDS
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Allocation, Overburn, Reservation, State, used_until
from services.allocation.resources import Interval
from services.allocation.states.moves import MOVES
from services.allocation.units.demand import complete
from services.allocation.units.placed import Placing
from services.allocation.units.placing import place_all
from services.allocation.units.present import Present, standing_of
from services.allocation.units.want import Want
from services.allocation.values.terms import Terms


def change_reservation(centre: Centre, command: commands.ChangeReservation, now: int) -> Events:
    """Let a reservation be what is asked for, or say everything that stands in the way and leave it as it is."""
    before = find(centre, command)
    if before.state not in MOVES[events.ReservationChanged]:
        raise wrong_state(before, "changed until it ends", "Book anew.")
    if before.transfer is not None and before.offered_to:
        told = f"It is offered to {before.offered_to} as it is. Withdraw the offer, then change it."
        raise refuse(Reason.WRONG_STATE, told, before.id)
    if before.end <= now or 0 < before.expires_at <= now:
        # Time has come, though no tick has said so yet.
        raise refuse(Reason.WRONG_STATE, "The reservation ends just now. Book anew.", before.id)
    wish = _wish(centre, before, command, now)
    if wish.only_words:
        if wish.regroups:
            _check_seats(centre, wish)
        no_more = asking.withdrawn(before) if wish.regroups or _names_what_is_held(command) else ()
        return *no_more, _changed(wish, before.allocations, before.overburn, command.excused)
    _check_possible(centre, wish, now)
    placing, overburn, asks = _decide(centre, wish, now)
    past = used_until(before.allocations, wish.opens) if wish.begun else ()
    allocations = _joined(past, placing.allocations)
    if asks:
        return asking.ask(centre, wish, allocations, placing, overburn, now)
    # Nothing below may refuse.
    late = not command.excused and late_change(centre, before, allocations, now)
    return (
        *asking.withdrawn(before),  # What is had at once takes the place of what was asked for.
        *(late_strike(centre, before, now) if late else ()),
        *placing.moves,
        _changed(wish, allocations, overburn, command.excused),
        *reapproving.after_change(centre, wish, allocations, overburn, now),
    )


def _names_what_is_held(command: commands.ChangeReservation) -> bool:
    """Whether a change that leaves everything as it is says so, and is not about a note alone."""
    named = (command.start, command.end, command.duration, command.lines)
    return any(each is not None for each in named)


def _wish(centre: Centre, before: Reservation, command: commands.ChangeReservation, now: int) -> Wish:
    begun = before.state is State.ACTIVE or before.start <= now  # Maybe no tick has said so yet.
    start = before.start if command.start is None else command.start
    end = before.end if command.end is None else command.end
    return Wish(
        before=before,
        start=start,
        end=end if command.duration is None else start + command.duration,
        lines=before.lines if command.lines is None else command.lines,
        note=before.note if command.note is None else command.note,
        participants=regrouped(before, command.participants) if command.participants else before.participants,
        opens=_opens(centre, before, now) if begun else 0,
        excused=command.excused,
        at_once=command.at_once,
    )


def _check_seats(centre: Centre, wish: Wish) -> None:
    """Raises `Rejected` where a class that is changed alone has no room in what is held for it."""
    assert wish.participants is not None, "a class stays one"
    crowded = list(seat_violations(wish.participants, complete(centre, wish.lines, wish.start, wish.end)))
    if crowded:
        raise Rejected(crowded)


def _opens(centre: Centre, before: Reservation, now: int) -> int:
    """The first moment that can still be given back: what has begun in any calendar counts as used."""
    cell = lcm(*(centre.pools[each.resource].calendar.cell_seconds for each in before.allocations))
    return min(before.end, max(before.start, -(-now // cell) * cell))


def _check_possible(centre: Centre, wish: Wish, now: int) -> None:
    """Raises `Rejected` for an interval that makes no sense, and for what cannot be done to what has begun."""
    limit = rules.reach(centre, now)
    if not 0 <= wish.start < wish.end:
        raise refuse(Reason.INVALID_INTERVAL, "The end must lie after the start.")
    if wish.end > limit:
        raise refuse(Reason.BEYOND_HORIZON, "The calendar does not reach as far as that.", limit=limit)
    violations = list(_begun_violations(wish)) if wish.begun else []
    if violations:
        raise Rejected(violations)


def _begun_violations(wish: Wish) -> Iterator[Violation]:
    before = wish.before
    if wish.start != before.start:
        yield Violation(
            reason=Reason.WRONG_STATE,
            description="The reservation has begun, so its start stays where it is. Change its end, or book anew.",
            subject=before.id,
        )
    units = {line.resource: line.units for line in before.lines}
    for line in wish.lines:
        if line.units > units.get(line.resource, 0):
            yield Violation(
                reason=Reason.WRONG_STATE,
                description=f"The reservation has begun, so it gets no more of {line.resource}. Book that apart.",
                subject=before.id,
                limit=units.get(line.resource, 0),
                asked=line.units,
            )
    if wish.end < wish.opens:
        yield Violation(
            reason=Reason.END_IN_PAST,
            description="What has been used cannot be given back. Choose a later end, or release the reservation.",
            subject=before.id,
            limit=wish.opens,
            asked=wish.end,
        )


def _held_violations(wish: Wish, now: int) -> Iterator[Violation]:
    if wish.before.state is State.HELD and wish.start <= now:
        yield Violation(
            reason=Reason.START_IN_PAST,
            description="A held offer must begin later than now, so that it can be confirmed before.",
        )


def _extension(wish: Wish, terms: Terms, now: int) -> Iterator[Violation]:
    """What has begun is extended in its last hours only, and not for ever: whoever waits for the units has a chance."""
    before, more = wish.before, wish.end - wish.before.end
    if not wish.begun or more <= 0:
        return
    if before.end - now > terms.extend_window_hours * HOUR_SECONDS:
        yield Violation(
            reason=Reason.TOO_EARLY,
            description=f"What has begun is extended in its last {terms.extend_window_hours} hours. Ask again then.",
            subject=before.id,
            limit=terms.extend_window_hours * HOUR_SECONDS,
            asked=before.end - now,
        )
    if more > terms.extend_days_max * DAY_SECONDS:
        yield Violation(
            reason=Reason.DURATION_OUT_OF_RANGE,
            description=f"What has begun is extended by at most {terms.extend_days_max} days at a time. Ask for less.",
            subject=before.id,
            limit=terms.extend_days_max * DAY_SECONDS,
            asked=more,
        )


def _decide(centre: Centre, wish: Wish, now: int) -> tuple[Placing, tuple[Overburn, ...], bool]:
    """Where the wish would stand, what of it beyond its quota, and whether somebody must agree to it.

    Raises `Rejected` with every rule that says no.
    """
    whole = complete(centre, wish.lines, wish.start, wish.end)
    wants = tuple(replace(want, spans=_since(want.spans, wish.opens)) for want in whole) if wish.begun else whole
    # Units stay bound up to the very end, when nothing of them lies ahead any more.
    present = replace(wish.before, allocations=tuple(standing_of(wish.before).values()))
    company, noted = centre.companies[wish.before.company], list[Violation]()
    asks = reapproving.judged(wish, company, whole)
    with centre.holdings.without(_ahead(wish)):
        violations = [
            *_held_violations(wish, now),
            *reapproving.violations(wish, company, whole, asks, now),
            *_extension(wish, centre.records.terms_at(now), now),
            *_violations(centre, wish, whole, wants, now, noted),
            *(seat_violations(wish.participants, whole) if wish.participants is not None else ()),
        ]
        placing = place_all(centre, wants, now, Present(present, bound=wish.begun))
    violations += placing.violations
    if violations:
        raise Rejected(violations)
    if not noted and not wish.before.overburn:
        return placing, (), bool(asks)
    with centre.holdings.without(wish.before):
        return placing, overburnt(centre, wish.before.company, whole), bool(asks)


def _violations(
    centre: Centre, wish: Wish, whole: tuple[Want, ...], wants: tuple[Want, ...], now: int, noted: list[Violation]
) -> Iterator[Violation]:
    """The rules that what is new of the wish would break. `wants` are the part of the `whole` that lies ahead."""
    company = centre.companies[wish.before.company]
    news = news_of(wish.before, wants, wish.start, wish.end, wish.begun)
    named = [want for want in whole if not want.companion_of]
    lengths = chain.from_iterable(
        rules.length(want, company, *want.line.within(wish.start, wish.end)) for want in named
    )
    others = rules.violations(centre, company, wants, wish.start, wish.end, now, noted)
    return news.told(chain(lengths, others), now)


def _ahead(wish: Wish) -> Reservation:
    """The reservation without what has happened of it."""
    if not wish.begun:
        return wish.before
    rest = (replace(each, spans=_since(each.spans, wish.opens)) for each in wish.before.allocations)
    return replace(wish.before, allocations=tuple(each for each in rest if each.spans))


def _since(spans: tuple[Interval, ...], opens: int) -> tuple[Interval, ...]:
    return tuple((max(start, opens), end) for start, end in spans if end > opens)


def _joined(past: tuple[Allocation, ...], ahead: tuple[Allocation, ...]) -> tuple[Allocation, ...]:
    """What was held and what is held from now on, as one wherever nothing but the time differs."""
    left = list(ahead)
    joined = []
    for was in past:
        if not was.spans:
            continue
        same = next((each for each in left if replace(each, spans=was.spans) == was), None)
        if same is not None:
            left.remove(same)
            was = replace(was, spans=_spliced(was.spans, same.spans))
        joined.append(was)
    return *joined, *left


def _spliced(first: tuple[Interval, ...], then: tuple[Interval, ...]) -> tuple[Interval, ...]:
    if first[-1][1] != then[0][0]:
        return first + then
    return *first[:-1], (first[-1][0], then[0][1]), *then[1:]


def _changed(wish: Wish, allocations: tuple[Allocation, ...], overburn: tuple[Overburn, ...], excused: bool) -> Event:
    return events.ReservationChanged(
        reservation_id=wish.before.id,
        start=wish.start,
        end=wish.end,
        lines=wish.lines,
        allocations=allocations,
        note=wish.note,
        excused=excused,
        overburn=overburn,
        participants=wish.participants if wish.regroups else None,
        late=wish.begun and not wish.only_words and not excused,
    )
