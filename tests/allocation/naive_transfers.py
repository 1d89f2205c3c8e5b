"""The rules of handing a reservation over once more, told simply. It shares no code with what it checks."""

from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from tests.allocation.naive import Naive

OF_THE_COMPANY = {
    *(
        Reason.OUTSIDE_AGREEMENT,
        Reason.SUSPENDED,
        Reason.ARREARS,
        Reason.REVOKED,
        Reason.DURATION_OUT_OF_RANGE,
        Reason.BEYOND_HORIZON,
    ),
    *(Reason.NO_QUOTA, Reason.QUOTA_EXCEEDED, Reason.CONCURRENCY_EXCEEDED),
}


def offering(naive: Naive, name: str, to: str, now: int) -> set[Reason]:
    """Every reason against offering a booking to a company; to its own, against taking the offer back."""
    booking = naive.bookings[name]
    if to == booking.company:
        return set() if booking.state == "confirmed" and booking.offered_to else {Reason.WRONG_STATE}
    if booking.state != "confirmed" or booking.start <= now or booking.checked_in:
        return {Reason.WRONG_STATE}
    return {Reason.WRONG_STATE} if booking.offered_to or naive.waits(name) else set()


def answering(naive: Naive, name: str, lines: tuple[Line, ...], now: int, *, accepts: bool) -> set[Reason]:
    """Every reason against taking it over, those that another company could obey, or against declining it."""
    booking = naive.bookings[name]
    is_open = booking.state == "confirmed" and booking.offered_to and now < booking.offered_until
    if not is_open or (accepts and booking.checked_in):
        return {Reason.WRONG_STATE}
    if not accepts:
        return set()
    del naive.bookings[name]
    found = naive.reasons(booking.offered_to, lines, booking.start, booking.end, now)
    naive.bookings[name] = booking
    return found & OF_THE_COMPANY
