"""A correction: an operator credits a company with KRW, or debits it, and says why. What was posted is never edited."""

from enum import StrEnum

from msgspec import Struct

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
    """So many KRW for a company, or against it where they are negative.

    It may be about a reservation, and take back an earlier correction, which it names in `reverses`.
    """

    id: str
    company: str
    krw: int
    kind: CorrectionKind
    reason: str
    reservation_id: str = ""
    reverses: str = ""
