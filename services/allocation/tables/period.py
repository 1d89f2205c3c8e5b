"""A period of a quota: what is granted for it, and what is booked in it."""

from msgspec import Struct

from services.allocation.companies import Quota


class Period(Struct):
    """A granted period and what is booked in it, in unit-seconds."""

    quota: Quota
    booked: int = 0
