"""The reserves of the programmes: what reviews took back, for companies that can use it. It follows from the log alone.

An operator's grant is not out of the reserve, nor does it need one: the reserve says how much of what was granted once
came back, and how much of that was given again.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from services.allocation.values.reclaim import Removal
from services.allocation.values.reserve import Reserve


class Reserves:
    """Every reserve that anything was ever returned to, by programme and meter, in the order in which it began."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, str], Reserve] = {}

    def at(self, programme: str, meter: str) -> Reserve:
        """The reserve of a programme on a meter; an empty one if nothing was ever returned."""
        return self.of.get((programme, meter)) or Reserve(programme=programme, meter=meter)

    def take_back(self, programme: str, removals: Iterable[Removal]) -> None:
        """Add what a review took from a company of a programme."""
        for each in removals:
            kept = self.at(programme, each.meter)
            self.put(replace(kept, returned=kept.returned + each.unit_seconds))

    def give(self, programme: str, meter: str, unit_seconds: int) -> None:
        """Take out what an operator gave; a negative amount was given before, and comes back."""
        kept = self.at(programme, meter)
        self.put(replace(kept, given=kept.given + unit_seconds))

    def put(self, reserve: Reserve) -> None:
        """Let a reserve be so."""
        self.of[reserve.programme, reserve.meter] = reserve
