"""Where a part of a booking comes from that became one of its own: what it keeps of the whole."""

from msgspec import Struct
from msgspec.structs import replace


class Origin(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a reservation keeps of the one that it was split off from.

    `of` is the id of that one, and `first` that of the one that was booked; both are empty once it is another
    company's. What is given back of it is as late as if it began `ahead` seconds earlier: where the whole began. It is
    priced by the rate `card` of the whole; an empty one is none, and all is free.
    """

    of: str = ""
    first: str = ""
    ahead: int = 0
    card: str = ""


def unnamed(origin: Origin | None) -> Origin | None:
    """What another company may know of it: P8, what it was split off from is a booking of its former company."""
    return None if origin is None else replace(origin, of="", first="")
