"""The people of a booking, as a value: how many, their pseudonyms where they have any, and who has come."""

from msgspec import Struct


class Participants(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """`count` people take part; `ids` has one for each, or none. `present` have come, of those ids `present_ids`."""

    count: int
    ids: tuple[str, ...] = ()
    present: int = 0
    present_ids: tuple[str, ...] = ()
