"""The answers of the centre: every yes of the last day, so that the same request gets the same one again."""

from collections import deque

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

KEPT_SECONDS = 25 * 3600
"""How long a request id is remembered: the promise is 24 hours."""

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


class Answers:
    """The answers by request, and in the order in which they were given."""

    def __init__(self) -> None:
        self.by_request: dict[Key, Answer] = {}
        self._in_order: deque[tuple[int, Key]] = deque()

    def remember(self, actor: str, request_id: str, answer: Answer) -> None:
        """Keep the yes to a request."""
        key = (actor, request_id)
        self.by_request[key] = answer
        self._in_order.append((answer.time, key))

    def let_go(self, now: int) -> None:
        """Let go of what need not be remembered any more."""
        while self._in_order and self._in_order[0][0] + KEPT_SECONDS < now:
            time, key = self._in_order.popleft()
            answer = self.by_request.get(key)
            if answer is not None and answer.time == time:
                del self.by_request[key]
