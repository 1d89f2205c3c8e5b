"""The rules of confirming at another time once more, told simply. It shares no code with what it checks."""

from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import Booking


def reasons(
    naive: Naive, name: str, lines: tuple[Line, ...], time: tuple[int, int], now: int, override: tuple[str, ...]
) -> set[Reason]:
    """Every reason against confirming a booking for a time; at the one that it was asked for there is none."""
    booking, (start, end) = naive.bookings[name], time
    if time == (booking.start, booking.end):
        return set()
    if start >= end:
        return {Reason.INVALID_INTERVAL}
    if start <= now:
        return {Reason.START_IN_PAST}
    if any(line.starts_after + line.ends_before >= end - start for line in lines):
        return {Reason.INVALID_INTERVAL}
    del naive.bookings[name]
    found = naive.reasons(booking.company, lines, start, end, now)
    naive.bookings[name] = booking
    return found - {Reason.NOTICE_TOO_SHORT} - set(override)


def retimed(naive: Naive, booking: Booking, lines: tuple[Line, ...], time: tuple[int, int]) -> Booking:
    """The booking as it would be then."""
    if time == (booking.start, booking.end):
        return booking
    after = naive.booking(booking.company, lines, *time)
    after.state, after.votes, after.expires, after.agreed = booking.state, booking.votes, booking.expires, time
    after.people = booking.people
    return after
