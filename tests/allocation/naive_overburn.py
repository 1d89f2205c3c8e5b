"""What of a booking lies beyond its quotas, counted half-hour by half-hour. It shares no code with what it checks."""

from tests.allocation.naive import Naive
from tests.allocation.naive_booking import CELL, Booking


def beyond(naive: Naive, booking: Booking, name: str) -> dict[str, int]:
    """Unit-seconds of each meter that a booking adds to what the others of its company hold beyond their quotas."""
    stands = naive.bookings.pop(name, None)
    try:
        found: dict[str, int] = {}
        for period in naive.quotas:
            if period.company != booking.company:
                continue
            mine = sum(
                units * CELL
                for (meter, cell), units in booking.paid.items()
                if meter == period.meter and period.start <= cell < period.end
            )
            others = naive.booked(period)
            over = max(0, others + mine - period.unit_seconds) - max(0, others - period.unit_seconds)
            if over:
                found[period.meter] = found.get(period.meter, 0) + over
        return found
    finally:
        if stands is not None:
            naive.bookings[name] = stands
