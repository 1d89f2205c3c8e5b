"""A closing: bins of a pool that cannot be held for a while."""

from msgspec import Struct

from services.allocation.resources import Interval


class Closing(Struct, frozen=True, gc=False, kw_only=True):
    """Bins that cannot be held from `start` to `end`, and for `lead_in` seconds before cannot be started on.

    `label` says to people what it is. What is `absent` was never there, or has retired: nobody maintains it.
    """

    start: int
    end: int
    bins: tuple[int, ...]
    label: str = ""
    lead_in: int = 0
    absent: bool = False

    def overlaps(self, span: Interval) -> bool:
        """Whether it takes anything away from a span."""
        return self.start < span[1] and span[0] < self.end

    def bars(self, spans: tuple[Interval, ...]) -> bool:
        """Whether its bins cannot be held throughout spans: it takes something away, or drains when they begin."""
        return self.drains(spans[0][0]) or any(map(self.overlaps, spans))

    def drains(self, start: int) -> bool:
        """Whether nothing may start on its bins at this time, although they are not out yet."""
        return self.start - self.lead_in <= start < self.start < self.end
