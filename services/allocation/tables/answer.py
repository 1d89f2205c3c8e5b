"""The yes that a request got."""

from msgspec import Struct

from services.allocation.companies import Company, Quota
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.allocation.series import Series
from services.allocation.values.conduct import Conduct
from services.allocation.values.correction import Correction
from services.allocation.values.funding import Funding
from services.allocation.values.months import ClosedMonth
from services.allocation.values.outage import Outage
from services.allocation.values.tariff import Tariff
from services.allocation.values.terms import Terms

Subject = (
    Series
    | Reservation
    | Resource
    | Company
    | Quota
    | Tariff
    | ClosedMonth
    | Correction
    | Terms
    | Conduct
    | Outage
    | Funding
)
"""What an event makes or changes."""
Key = tuple[str, str]
"""The actor and the request id."""


class Answer(Struct, frozen=True, gc=False, kw_only=True):
    """The yes that a request got: the digest of its body, what it made, and the position of the page that holds it."""

    digest: str
    position: int
    time: int
    subject: Subject
