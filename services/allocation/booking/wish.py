"""What a reservation shall be, beside what it is: the value that a change is decided on."""

from msgspec import Struct

from services.allocation.reservations import Line, Reservation
from services.allocation.values.people import Participants


class Wish(Struct, frozen=True, kw_only=True):
    """What a reservation shall be. What lies before `opens` has happened; 0 for one that has not begun.

    What is wished `at_once` does not wait for anybody's approval.
    """

    before: Reservation
    start: int
    end: int
    lines: tuple[Line, ...]
    note: str
    participants: Participants | None
    opens: int = 0
    excused: bool = False
    at_once: bool = False

    @property
    def begun(self) -> bool:
        """Whether its units are bound."""
        return self.opens > 0

    @property
    def regroups(self) -> bool:
        """Whether its class is another one."""
        return self.participants is not self.before.participants

    @property
    def only_words(self) -> bool:
        """Whether what is held stays as it is."""
        before = self.before
        return (self.start, self.end, self.lines) == (before.start, before.end, before.lines)

    @property
    def only_less(self) -> bool:
        """Whether it asks for nothing that was not had: no more units, no other time, no operator along."""
        return not self.more_of

    @property
    def more_of(self) -> set[str]:
        """The resources of whose lines it asks for something that was not had: units, time, or an operator along."""
        had = {line.resource: line for line in self.before.lines}
        return {
            line.resource
            for line in self.lines
            if line.resource not in had or not self._within(line, had[line.resource])
        }

    @property
    def only_longer(self) -> bool:
        """Whether it asks for the same, and more of it at the end."""
        before = self.before
        return self.start == before.start and self.end > before.end and self.lines == before.lines

    def _within(self, line: Line, had: Line) -> bool:
        (start, end), (first, last) = (
            line.within(self.start, self.end),
            had.within(self.before.start, self.before.end),
        )
        along = had.with_operator or not line.with_operator
        return line.units <= had.units and first <= start and end <= last and along
