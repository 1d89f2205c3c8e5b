"""What the books know of one reservation, and what an event makes of it. Nouns without rules."""

from msgspec import Struct

from services.allocation.prices.fees import Fee
from services.allocation.prices.pricing import Amount
from services.allocation.prices.unit_time import Stretches
from services.allocation.reservations import Reservation


class Claim(Struct, frozen=True, gc=False):
    """A reservation as the books need it. `number` is that of the event that named the bins.

    `tariff` is the place of the rate card that it was booked with, -1 for none; `amounts` is what it holds by that
    card, and `idle` the unit-seconds of each resource that nodes reported as held and not used. `asked` is what is held
    beside that for a change that waits.
    """

    reservation: Reservation
    number: int
    tariff: int = -1
    amounts: tuple[Amount, ...] = ()
    idle: tuple[tuple[str, int], ...] = ()
    asked: tuple[Amount, ...] = ()


class LateFee(Struct, frozen=True, gc=False, kw_only=True):
    """A fee for what was given back late of a resource in a month, charged by the event of this `number`.

    `krw` of it are returned if somebody books all that is `unbooked`; an event that changes it has returned `returned`.
    """

    number: int
    company: str
    reservation: str
    resource: str
    month: int
    tariff: int
    krw: int
    unbooked: Stretches
    end: int
    returned: int = 0


class Step(Struct, frozen=True):
    """A claim before an event, None if it begins with it, and after it.

    `fees` are due for what it gives back; `late_fees` are those that may be returned, as the event leaves them.
    """

    before: Claim | None
    after: Claim
    fees: tuple[Fee, ...] = ()
    late_fees: tuple[LateFee, ...] = ()
