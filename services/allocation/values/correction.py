"""A correction: an operator gives a company KRW or hours of a quota, or takes them, and says why. Pure.

What was posted is never edited.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.companies import Quota

CORRECTIONS = "corrections"
"""Where the books keep what is about no resource."""
KRW_MAX = 1_000_000_000
"""Nobody gives or takes more by one correction; what is more is a decision of several."""
KEPT_MAX = 1_000
"""So many of a company's corrections can be named by one that reverses them: the latest."""


class CorrectionKind(StrEnum):
    """What a correction is for."""

    COMPENSATION = "compensation"  # harm beyond the price
    GOODWILL = "goodwill"  # what nobody was owed
    ERROR = "error"  # the books were wrong
    SURCHARGE = "surcharge"  # a bill was long overdue: by the terms, and by nobody's hand


class Correction(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """So many KRW, or unit-seconds of a quota, for a company, or against it where they are negative.

    The quota is that of `meter` whose period begins at `start`, in seconds; `krw` is what its hours are worth then. It
    may be about a reservation, and take back an earlier correction, which it names in `reverses`. Hours that are given
    `from_reserve` are out of what reviews returned to the company's programme, and go back there when reversed.
    """

    id: str
    company: str
    krw: int
    kind: CorrectionKind
    reason: str
    reservation_id: str = ""
    reverses: str = ""
    unit_seconds: int = 0
    meter: str = ""
    start: int = 0
    from_reserve: bool = False


def corrected(quota: Quota, correction: Correction) -> Quota:
    """A quota with what a correction gives to it or takes from it."""
    return replace(quota, unit_seconds=quota.unit_seconds + correction.unit_seconds)
