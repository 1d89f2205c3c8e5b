"""An exclusive group: resources of which one at a time is held, with a changeover between two different ones."""

from services.allocation.calendars.calendar import Timeline
from services.allocation.reservations import Allocation
from services.allocation.resources import Interval

CELL_SECONDS = 60
"""The members may have different slots, and a changeover of any minutes: one exact timeline serves them all."""


class Group:
    """Who holds the group at any time: the number of a member, or 0. Members are numbered as they are registered."""

    def __init__(self, base: int) -> None:
        self.holders = Timeline(cell_seconds=CELL_SECONDS, base=base)
        self._numbers: dict[str, int] = {}
        self._changeovers: dict[int, int] = {}

    def join(self, member: str, changeover_seconds: int) -> None:
        """Take a member in."""
        self._numbers[member] = number = len(self._numbers) + 1
        self._changeovers[number] = changeover_seconds

    def hold(self, allocation: Allocation, sign: int) -> None:
        """Let a member hold the group for its spans, or with `sign` -1 let it go."""
        self.holders.add(sign * self._numbers[allocation.resource], allocation.spans)

    def hold_all(self, allocations: list[Allocation]) -> None:
        """As `hold` for each of many allocations."""
        numbers = [self._numbers[each.resource] for each in allocations]
        self.holders.add_all(numbers, [each.spans for each in allocations])

    def is_held(self, spans: tuple[Interval, ...]) -> bool:
        """Whether anybody holds the group at any time of the spans."""
        return any(self.holders.most(span) for span in spans)

    def changeover(self, member: str, spans: tuple[Interval, ...]) -> int:
        """The seconds that are missing to a member before or after the spans; 0 if another one is far enough.

        Between two different members lies the longer of their changeovers, whoever comes first.
        """
        mine = self._numbers[member]
        for number, seconds in self._changeovers.items():
            gap = max(seconds, self._changeovers[mine])
            if number != mine and gap and any(self._holds(number, span, gap) for span in spans):
                return gap
        return 0

    def _holds(self, number: int, span: Interval, gap: int) -> bool:
        """Whether a member holds the group at any time within a gap around a span."""
        start, end = span
        first, last = self.holders.window((start - gap, end + gap))
        return bool((self.holders.total[first:last] == number).any())
