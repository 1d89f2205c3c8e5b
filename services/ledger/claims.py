"""What the books know of one reservation, and what an event makes of it. Nouns without rules."""

from msgspec import Struct

from services.allocation.fees import Fee
from services.allocation.pricing import Amount
from services.allocation.resources import Reservation


class Claim(Struct, frozen=True, gc=False):
    """A reservation as the books need it. `number` is that of the event that named the bins.

    `tariff` is the place of the rate card that it was booked with, -1 for none; `amounts` is what it holds by that
    card, and `idle` the unit-seconds of each resource that nodes reported as held and not used.
    """

    reservation: Reservation
    number: int
    tariff: int = -1
    amounts: tuple[Amount, ...] = ()
    idle: tuple[tuple[str, int], ...] = ()


class Step(Struct, frozen=True):
    """A claim before an event, None if it begins with it, and after it; and what is due for what it gives back."""

    before: Claim | None
    after: Claim
    fees: tuple[Fee, ...] = ()
