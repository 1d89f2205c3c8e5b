"""Seeking: candidates are put to the real rules, the best first, until there are enough offers.

Steps may lie apart in time (`steps`). Then every offer is asked for again in the last of them, and what is granted no
more is sought anew; what became free meanwhile may be missed.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.allocation.booking.creating import create_reservation
from services.allocation.booking.participants import seat_violations
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.events import Events
from services.allocation.offering.choice import Choice
from services.allocation.offering.obstacles import NEVER, first_sensible, hopeless, worth_asking_from
from services.allocation.offering.ranking import Candidate, Ranking, ranked
from services.allocation.offering.steps import Steps
from services.allocation.offering.variants import Variant
from services.allocation.rejections import Rejected, Violation
from services.allocation.resources import Interval

TRIES_MAX = 200
"""Candidates put to the rules in one search."""
WEIGHED_MAX = 3_000
"""Candidates of one search for which the units that are free are looked at, which takes some ten microseconds each."""
ROUNDS_MAX = 3
"""So often offers are sought anew for those that others took meanwhile."""


NOTHING: NDArray[np.int64] = np.zeros(0, dtype=np.int64)


class Granted:
    """What would be granted: a variant from a start on, and the events that say so."""

    __slots__ = ("decided", "start", "variant")

    def __init__(self, variant: Variant, start: int, decided: Events) -> None:
        self.variant, self.start, self.decided = variant, start, decided


class Seeker:
    """One search in the making. `now` is the time in seconds of what was asked last.

    `searched_until` is 0 once it has looked at everything that could be better, or else the start before which it has.
    """

    def __init__(
        self, centre: Centre, company: Company, choice: Choice, found: list[Variant], now: int, tries: int = TRIES_MAX
    ) -> None:
        self._centre, self._company, self._choice, self.now = centre, company, choice, now
        self._variants = found
        self._ranking = Ranking()
        self._pending: Iterator[Candidate] = iter(())
        self._granted: dict[int, Granted] = {}
        self._met: dict[tuple[str, str], Violation] = {}
        self._skipped: list[list[Interval]] = [[] for _ in found]
        self._tries_left, self._weighed = tries, 0
        self._moved = False
        self.searched_until = 0

    def seek(self) -> Steps[list[Granted]]:
        """The offers, of different starts, the best first."""
        for variant in self._variants:
            if self._has_room_for_all(variant):
                self._ranking.add(*(yield from ranked(self._centre, self._company, self._choice, variant, self.now)))
            else:
                self._ranking.add(NOTHING, NOTHING)
        self._pending = iter(self._ranking)
        for _ in range(ROUNDS_MAX):
            self._moved = False
            yield from self._gather()
            if not self._moved or self._stand_all():
                break
        return [*self._granted.values()]

    def obstacles(self) -> tuple[Violation, ...]:
        """What stood in the way of the candidates; where there was none, of the first window that makes sense."""
        if not self._met and self._variants:
            variant, window = self._variants[0], (self._choice.earliest, self._choice.latest)
            self._ask(first_sensible(self._company, variant.wants, window, variant.duration, self.now), variant)
        return tuple(self._met.values())

    def _has_room_for_all(self, variant: Variant) -> bool:
        """Whether everybody of a class has a seat in a variant, whenever it is."""
        people = self._choice.participants
        refused = list(seat_violations(people, variant.wants)) if people is not None else []
        self._met.update({(each.reason, each.subject): each for each in refused})
        return not refused

    def _gather(self) -> Steps[None]:
        """Take candidate after candidate, until there are enough offers or nothing is left that might be one."""
        while len(self._granted) < self._choice.count:
            if not self._tries_left or self._weighed == WEIGHED_MAX:
                self.searched_until = self._ranking.earliest_left
                return
            candidate = next(self._pending, None)
            if candidate is None:
                return
            passed = yield
            if passed is not None:
                self.now, self._moved = passed, True
            self._weigh(candidate)

    def _weigh(self, candidate: Candidate) -> None:
        """Put a candidate to the rules, if it may pass at all."""
        _, start, number = candidate
        if start in self._granted or any(first <= start < last for first, last in self._skipped[number]):
            return
        variant = self._variants[number]
        self._weighed += 1
        if hopeless(variant.wants, start, variant.duration):
            return
        self._tries_left -= 1
        answer = self._ask(start, variant)
        if isinstance(answer, Granted):
            self._granted[start] = answer
            return
        choice = self._choice
        until = worth_asking_from(
            self._centre, choice.company, variant.wants, variant.duration, answer, start, self.now
        )
        if until == NEVER:
            self._pending = iter(())
        elif until > start:
            self._skipped[number].append((start, until))

    def _stand_all(self) -> bool:
        """Whether all offers are granted still; those that are not are offers no more."""
        asked = [(each, self._ask(each.start, each.variant)) for each in self._granted.values()]
        self._granted = {before.start: after for before, after in asked if isinstance(after, Granted)}
        return len(self._granted) == len(asked)

    def _ask(self, start: int, variant: Variant) -> Granted | Rejected:
        try:
            wish = self._choice.command(variant.lines, start, variant.duration)
            return Granted(variant, start, create_reservation(self._centre, wish, self.now))
        except Rejected as refusal:
            for violation in refusal.violations:
                self._met.setdefault((violation.reason, violation.subject), violation)
            return refusal
