"""A programme's reserve: the hours that reviews took back from its companies, and who was given some of them. Pure."""

from msgspec import Struct


class Reserve(Struct, frozen=True, gc=False, kw_only=True):
    """Unit-seconds of a meter that reviews returned to a programme, and those that operators gave out of it since.

    What was given and taken back again, by reversing the correction that gave it, is given no more.
    """

    programme: str
    meter: str
    returned: int = 0
    given: int = 0

    @property
    def left(self) -> int:
        """What may still be given, in unit-seconds; never below 0."""
        return self.returned - self.given
