"""The rules of changing a reservation once more, told simply. Like `naive`, it shares no code with what it checks."""

from collections import Counter
from math import lcm

from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Kind
from tests.allocation import naive_asking
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import CELL, DAY, HOUR, Booking

EXTEND_WINDOW, EXTEND_MOST = 48 * HOUR, 7 * DAY

Wish = tuple[tuple[Line, ...], int, int]


def opens(naive: Naive, booking: Booking, now: int) -> int:
    """Up to when what a booking holds has happened; 0 for one that has not begun."""
    if booking.state != "active" and booking.start > now:
        return 0
    cell = lcm(*(_cell(naive, name) for name, _ in booking.held))
    return min(booking.end, max(booking.start, -(-now // cell) * cell))


def _cell(naive: Naive, name: str) -> int:
    return HOUR if naive.resources[name].slot_minutes % 60 == 0 else CELL


def changed(naive: Naive, booking: Booking, wish: Wish, lines_before: tuple[Line, ...], now: int) -> Booking:
    """What a booking would be."""
    lines, start, end = wish
    after = naive.booking(booking.company, lines, start, end)
    since = opens(naive, booking, now)
    for was, new in ((booking.held, after.held), (booking.paid, after.paid)):
        for key in [key for key in new if key[1] < since]:
            del new[key]
        new.update({key: units for key, units in was.items() if key[1] < since})
    after.state, after.expires = booking.state, min(booking.expires, start)
    after.activated_at, after.checked_in = booking.activated_at, booking.checked_in
    after.was_booked, after.ahead = booking.was_booked, booking.ahead
    after.people, after.present = booking.people, booking.present
    if booking.state == "pending" and not naive.approvers(booking.company, lines):
        after.state = "confirmed"
    elif booking.state == "pending" and not _less(booking, wish, lines_before):
        naive.settle(after, lines, now)
    else:
        after.votes, after.agreed = booking.votes, booking.agreed
    return after


def gives_back_late(naive: Naive, before: Booking, after: Booking, now: int) -> bool:
    """Whether a change lets go of anything that was asked for, when cancelling that would no longer be free."""
    if not naive.binding(before) or (before.start <= now and not naive.awaited(before)):
        return False
    let_go = {name for (name, cell), units in before.held.items() if units > after.held[name, cell]} & set(before.own)
    ahead = max(0, before.start - before.ahead - now)
    return any(ahead < naive.resources[name].free_cancel_hours * HOUR for name in let_go)


def reasons(
    naive: Naive,
    name: str,
    wish: Wish,
    lines_before: tuple[Line, ...],
    now: int,
    people: int = 0,
    *,
    at_once: bool = False,
) -> set[Reason]:
    """Every reason against a change, other than how its units would have to stand; `people` are another class.

    What shall be so at once cannot wait for anybody.
    """
    booking, (lines, start, end) = naive.bookings[name], wish
    if booking.state not in ("held", "pending", "confirmed", "active") or booking.end <= now:
        return {Reason.WRONG_STATE}
    if booking.state == "confirmed" and booking.offered_to:
        return {Reason.WRONG_STATE}
    if booking.state in ("held", "pending") and booking.expires <= now:
        return {Reason.WRONG_STATE}
    if people and people < booking.present:
        return {Reason.INVALID_PARTICIPANTS}
    if (lines, start, end) == (lines_before, booking.start, booking.end):
        return naive.crowded(lines, people) if people != booking.people else set()
    if start >= end:
        return {Reason.INVALID_INTERVAL}
    since = opens(naive, booking, now)
    if since and (found := _bound(booking, wish, lines_before, since)):
        return found
    if any(line.starts_after + line.ends_before >= end - start for line in lines):
        return {Reason.INVALID_INTERVAL}
    del naive.bookings[name]
    try:
        found = naive.crowded(lines, people or booking.people)
        found |= _lawful(naive, booking, wish, lines_before, now)
        regroups = people not in (0, booking.people)
        found |= _approved(naive, booking, wish, lines_before, now, at_once or regroups)
        after = changed(naive, booking, wish, lines_before, now)
    finally:
        naive.bookings[name] = booking
    waits = not found and asks(naive, booking, wish, lines_before)
    return naive_asking.reasons(naive, name, after) if waits else found


def asks(naive: Naive, booking: Booking, wish: Wish, lines_before: tuple[Line, ...]) -> bool:
    """Whether somebody must agree to a change before it is so."""
    stands = booking.state in ("confirmed", "active")
    return stands and naive_asking.judged(naive, booking, wish, lines_before)


def _approved(
    naive: Naive, booking: Booking, wish: Wish, lines_before: tuple[Line, ...], now: int, at_once: bool
) -> set[Reason]:
    """What must be approved must be so before it begins; of what has begun, only more at its end can wait for that."""
    lines, start, end = wish
    if booking.state == "pending":
        return {Reason.START_IN_PAST} if naive.approvers(booking.company, lines) and start <= now else set()
    if not asks(naive, booking, wish, lines_before):
        return set()
    longer = (lines, start) == (lines_before, booking.start) and end > booking.end
    begun = opens(naive, booking, now) > 0
    if at_once or (begun and not longer):
        return {Reason.NEEDS_APPROVAL}
    return {Reason.START_IN_PAST} if not begun and start <= now else set()


def _less(booking: Booking, wish: Wish, lines_before: tuple[Line, ...]) -> bool:
    """Whether every line asks for as many units as it had at most, and for no half-hour that it had not."""
    lines, start, end = wish
    for line in lines:
        had = [each for each in lines_before if each.resource == line.resource]
        if not had or line.units > had[0].units:
            return False
        if start + line.starts_after < booking.start + had[0].starts_after:
            return False
        if end - line.ends_before > booking.end - had[0].ends_before:
            return False
    return True


def _bound(booking: Booking, wish: Wish, lines_before: tuple[Line, ...], since: int) -> set[Reason]:
    """What cannot be done to what has begun."""
    lines, start, end = wish
    units = {line.resource: line.units for line in lines_before}
    found = set()
    if start != booking.start or any(line.units > units.get(line.resource, 0) for line in lines):
        found.add(Reason.WRONG_STATE)
    if end < since:
        found.add(Reason.END_IN_PAST)
    return found


def _lawful(naive: Naive, booking: Booking, wish: Wish, lines_before: tuple[Line, ...], now: int) -> set[Reason]:
    lines, start, end = wish
    since = opens(naive, booking, now)
    after = changed(naive, booking, wish, lines_before, now)
    other = _other_phases(lines, lines_before)
    gained = {
        want: moment
        for want in after.wants
        if (moment := start if (want[2] or want[0]) in other else _gained(booking, want, start, end)) is not None
    }
    found = _extended(booking, end, now) if since else set()
    terms = naive.companies[booking.company]
    if (start != booking.start and start < now - 5) or (booking.state == "held" and start <= now):
        found.add(Reason.START_IN_PAST)
    if gained and (start < terms.agreement_start or end > terms.agreement_end):
        found.add(Reason.OUTSIDE_AGREEMENT)
    found |= naive.barred(booking.company) if gained else set()
    for want in after.wants:
        found |= _own(naive, booking, want, gained.get(want), wish, now)
    found |= _place(naive, after, {name for name, _, _ in gained}, wish, since)
    if gained and terms.gpus_max and naive.gpus(lines) > terms.gpus_max:
        found.add(Reason.CONCURRENCY_EXCEEDED)
    return found | (naive._quota(after) if gained else set())


def _other_phases(lines: tuple[Line, ...], lines_before: tuple[Line, ...]) -> set[str]:
    """The resources that begin or end at another distance from the demand than they did."""
    had = {line.resource: (line.starts_after, line.ends_before) for line in lines_before}
    return {
        line.resource
        for line in lines
        if line.resource in had and had[line.resource] != (line.starts_after, line.ends_before)
    }


def _gained(booking: Booking, want: tuple[str, int, str], start: int, end: int) -> int | None:
    """The first moment that is new of a want, None if nothing is."""
    name, units, parent = want
    had = max((had for other, had, brought in booking.wants if (other, brought) == (name, parent)), default=0)
    if units > had or start < booking.start or start >= booking.end:
        return start
    return booking.end if end > booking.end else None


def _extended(booking: Booking, end: int, now: int) -> set[Reason]:
    found = set()
    if end > booking.end and booking.end - now > EXTEND_WINDOW:
        found.add(Reason.TOO_EARLY)
    if end - booking.end > EXTEND_MOST:
        found.add(Reason.DURATION_OUT_OF_RANGE)
    return found


def _own(
    naive: Naive, booking: Booking, want: tuple[str, int, str], gained: int | None, wish: Wish, now: int
) -> set[Reason]:
    """The terms of one resource, as far as they concern what is new."""
    (name, _, parent), (lines, start, end) = want, wish
    resource, terms = naive.resources[name], naive.companies[booking.company]
    compute = resource.kind is Kind.COMPUTE
    if parent:
        since = opens(naive, booking, now)
        cells = {cell for cell in naive.cells_of(name, parent, lines, start, end) if cell >= since}
        closed = not compute and not cells <= naive.spans(name, start, end)
        return {Reason.OUTSIDE_OPENING_HOURS} if closed else set()
    line = next(each for each in lines if each.resource == name)
    window = (start + line.starts_after, end - line.ends_before)
    found = naive.boundaries(resource, *window)
    if gained is None:
        return found
    found |= naive._length(resource, terms, *window) | naive.batch(booking.company, name, *window)
    if resource.kind is Kind.EQUIPMENT and now < naive.suspended.get(booking.company, 0):
        found.add(Reason.SUSPENDED)
    notice = terms.notice_hours if compute else resource.notice_hours
    if notice and gained < now + notice * HOUR - 5 and not (booking.state == "active" or booking.start <= now):
        found.add(Reason.NOTICE_TOO_SHORT)
    horizon = terms.horizon_days if compute else resource.horizon_days
    if horizon and start > now + horizon * DAY and (start != booking.start or gained == start):
        found.add(Reason.BEYOND_HORIZON)
    return found


def _place(naive: Naive, after: Booking, gained: set[str], wish: Wish, since: int) -> set[Reason]:
    """Whether others, outages and money leave room from now on. Each want stands beside those before it."""
    lines, start, end = wish
    found: set[Reason] = set()
    before: Counter[tuple[str, int]] = Counter()
    for name, units, parent in after.wants:
        cells = {cell for cell in naive.cells_of(name, parent, lines, start, end) if cell >= since}
        found |= naive.groups(name, lines, cells)
        short = naive.short(name, {cell: before[name, cell] + units for cell in cells})
        if short is not None:
            found.add(short)
        else:
            before.update({(name, cell): units for cell in cells})
        if name in gained and naive.unfunded(name, {cell: after.held[name, cell] for cell in cells}):
            found.add(Reason.NOT_FUNDED)
    return found
