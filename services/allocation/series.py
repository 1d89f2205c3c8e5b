"""A series: one demand, again and again, at the times that a calendar rule gave.

The rule itself is read outside; here a series is the list of its occurrences, and what became of each.
"""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.reservations import Line
from services.allocation.values.people import Participants

OCCURRENCES_MAX = 100
"""One page of the log takes so many bookings, and one decision stays short."""


class Policy(StrEnum):
    """What becomes of an occurrence that cannot be granted."""

    FAIL = "fail"  # Nothing is booked.
    SKIP = "skip"  # The others are.
    SHIFT = "shift"  # It is booked later on the same day if that can be granted, and else skipped.


class Effect(StrEnum):
    """What the last change of a series made of an occurrence."""

    UNTOUCHED = ""  # It begins before the change, has begun, is over or was given back.
    KEPT = "kept"  # It is as asked already, or was changed alone and stays so.
    CHANGED = "changed"
    BOOKED = "booked"
    GIVEN_BACK = "given_back"
    LEFT = "left"  # What was asked for was refused; it stays as it was.
    SKIPPED = "skipped"  # It was refused, and is not booked.
    ASKED = "asked"  # Somebody must agree; until they have, it stays as it was.


NOBODY = Participants(count=0)
"""What an occurrence remembers that was no class, in a series that is one now."""


class Occurrence(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One time of a series, in seconds UTC: booked as `reservation_id`, or skipped for `reasons`.

    It says what the series asks for; one that was changed alone stands as its reservation says. `lines` and `note` are
    there where a change of what follows left it with other ones than the series has now, and so are `participants`:
    `NOBODY` where it is no class.
    """

    start: int
    end: int
    reservation_id: str = ""
    shifted_from: int = 0  # the start that the rule gave, where another was booked
    reasons: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    note: str | None = None
    participants: Participants | None = None
    effect: Effect = Effect.UNTOUCHED

    @property
    def by_rule(self) -> int:
        """The start that the rule gave, in seconds."""
        return self.shifted_from or self.start


class Series(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A series as it was asked for, and its occurrences. `first` is a civil time in the zone, such as 2026-03-09T09:00.

    `tzdata` names the release of the time zone rules by which the civil times became moments. `given_back` are the
    occurrences that the last change gave back: the rule has them no more.
    """

    id: str
    company: str
    first: str
    duration: int
    time_zone: str
    tzdata: str
    recurrence: tuple[str, ...]
    lines: tuple[Line, ...]
    policy: Policy
    occurrences: tuple[Occurrence, ...]
    note: str = ""
    cancelled_from: int = 0  # what began at this time or later was given back; 0 for none
    changed_from: int = 0  # the last change is about what began at this time or later; 0 if there was none
    given_back: tuple[Occurrence, ...] = ()
    version: int = 1
    participants: Participants | None = None  # Every occurrence is a class of them.

    @property
    def etag(self) -> str:
        """Changes whenever the series does."""
        return f'"{self.version}"'

    @property
    def reservations(self) -> Iterator[str]:
        """The ids of its reservations, with those that its last change gave back."""
        return (each.reservation_id for each in (*self.occurrences, *self.given_back) if each.reservation_id)

    def booked_from(self, moment: int) -> Iterator[Occurrence]:
        """The occurrences from a moment on that were booked."""
        return (each for each in self.occurrences if each.reservation_id and each.start >= moment)

    def cancelled(self, moment: int) -> "Series":
        """The series with nothing left from a moment on."""
        return replace(self, cancelled_from=moment, version=self.version + 1)
