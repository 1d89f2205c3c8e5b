"""Who must agree to a booking, and what they said. Values, and the sums over them."""

from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace


class Rule(StrEnum):
    """Who approves the bookings of a resource."""

    AUTO = "auto"
    MANAGER = "manager"
    COMMITTEE = "committee"


class Vote(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What one person said, at a time in seconds. `reference` is the number of a review, where there was one.

    `voter` tells the voters on one booking apart and not who they are, for a company may read the events about it: who
    asked for the event stands beside it in the log. `time` is the interval that they agreed to, in seconds; None is the
    one that was asked for.
    """

    voter: str
    approves: bool
    at: int
    comment: str = ""
    reference: str = ""
    time: tuple[int, int] | None = None


def voter_of(reservation_id: str, name: str) -> str:
    """How the votes on one booking call somebody."""
    return blake2b(f"{reservation_id}\n{name}".encode(), digest_size=8).hexdigest()


class Approval(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """How a booking is approved: so many of the voters must agree. These were the rules when it was asked for."""

    rule: Rule
    voters: int = 1
    quorum: int = 1
    reference_required: bool = False
    votes: tuple[Vote, ...] = ()

    @property
    def granted(self) -> bool:
        """Whether enough have agreed."""
        return sum(vote.approves for vote in self.votes) >= self.quorum

    @property
    def first_yes(self) -> Vote | None:
        """The vote that says to what time whoever agrees agrees; None before anybody has."""
        return next((vote for vote in self.votes if vote.approves), None)

    @property
    def hopeless(self) -> bool:
        """Whether those who have not denied it are too few to agree."""
        return sum(not vote.approves for vote in self.votes) > self.voters - self.quorum

    @property
    def reference(self) -> str:
        """The number of the review that the booking rests on; empty if nobody has named one."""
        return next((vote.reference for vote in self.votes if vote.reference), "")

    def with_vote(self, vote: Vote) -> "Approval":
        """The same with one more vote."""
        return replace(self, votes=(*self.votes, vote))

    def has_voted(self, voter: str) -> bool:
        """Whether this voter has said what they think."""
        return any(vote.voter == voter for vote in self.votes)
