"""The reviews of the centre: which grants will be looked at, and when."""

from collections.abc import Iterable, Sequence
from itertools import chain

from services.allocation.companies import Company
from services.allocation.values.reclaim import Review, reviews_of
from services.allocation.values.terms import Terms


class Reviews:
    """Every review that is not done yet, the next one first."""

    def __init__(self) -> None:
        self.ahead: list[Review] = []

    def join(self, company: Company, published: Sequence[Terms], now: int) -> None:
        """Look at the grants of one more company, by the terms published so far."""
        self.ahead = sorted([*self.ahead, *reviews_of(company, published, now)])

    def plan(self, companies: Iterable[Company], published: Sequence[Terms], now: int) -> None:
        """Look at the grants of every company by new terms; what is overdue stays as it was."""
        ahead = [reviews_of(each, published, now, self.ahead) for each in companies]
        overdue = [each for each in self.ahead if each.due <= now]
        self.ahead = sorted([*overdue, *chain.from_iterable(ahead)])

    def done(self, review: Review) -> None:
        """Nobody is reviewed twice."""
        self.ahead = [each for each in self.ahead if each != review]
