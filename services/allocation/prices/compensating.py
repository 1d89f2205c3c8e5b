"""What is given, beyond not charging it, for what the centre takes from a booking. Pure."""

from services.allocation.prices.fees import RateOf
from services.allocation.prices.periods import Periods
from services.allocation.prices.pricing import amounts
from services.allocation.reservations import Reservation, State

BOOKED = (State.CONFIRMED, State.ACTIVE)
"""Offers, and what waits for approval, are not compensated for."""


def compensation(before: Reservation, after: Reservation, rate: RateOf, periods: Periods) -> int:
    """KRW for what a reservation lost between two states, to the won as the ledger posts it: by resource and month."""
    if before.state not in BOOKED:
        return 0
    kept = {(each.resource, each.month): each.krw for each in amounts(after.holding, rate, periods)}
    lost = [
        (each, each.krw - kept.get((each.resource, each.month), 0)) for each in amounts(before.holding, rate, periods)
    ]
    return sum([rate(each.resource).compensation(krw) for each, krw in lost if krw > 0])
