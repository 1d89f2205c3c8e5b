"""A want: one line of a demand, or a companion of one, ready to be placed."""

from msgspec import Struct

from services.allocation.calendars.places import Part
from services.allocation.calendars.pool import Pool
from services.allocation.reservations import Line
from services.allocation.resources import Interval, Resource


class Want(Struct, frozen=True, gc=False):
    """One line, ready to be placed: the pool, the line, its parts, the spans it is held for, and who pays.

    The resource is that of the pool, at hand for the many rules that ask for it.
    """

    pool: Pool
    resource: Resource
    line: Line
    parts: tuple[Part, ...]
    spans: tuple[Interval, ...]
    meter: str = ""
    companion_of: str = ""
    edges: bool = False  # A companion for the first and the last slot.
