"""What is new in a change. The rules are asked of that alone: what stands already was granted by the rules of its day.

So a reservation can be shortened, or get another note, however close its start is, and extending it asks for quota,
notice and opening hours of the added time.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from services.allocation import rules
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Reservation
from services.allocation.units.present import standing_of
from services.allocation.units.want import Want

BOUNDARIES = frozenset({Reason.OFF_GRID, Reason.CLOSED_DAY, Reason.OUTSIDE_OPENING_HOURS})
WHOLE = frozenset({Reason.COMPANION_MISSING, Reason.EXCLUSIVE_GROUP_BUSY, Reason.CHANGEOVER_TOO_SHORT})
"""Rules about how the lines go together, and with others': these hold for the whole, whatever is new of it."""


class News(Struct, frozen=True, kw_only=True):
    """What a reservation gains: for each resource that it gains anything of, the first moment that is new."""

    before: Reservation
    start: int
    begun: bool
    gained: Mapping[str, int]
    lets_go: bool  # whether it no longer has something that it had
    known: frozenset[Violation]  # what the rules say against the boundaries that it had

    def told(self, violations: Iterable[Violation], now: int) -> Iterator[Violation]:
        """The violations that concern what is new; of two about the same, the first."""
        seen = set()
        for violation in violations:
            about = violation.reason, violation.description
            if about not in seen and self._concerns(violation, now):
                seen.add(about)
                yield violation

    def _concerns(self, violation: Violation, now: int) -> bool:
        moved = self.start != self.before.start
        gained = self.gained.get(violation.subject)
        match violation.reason:
            case Reason.START_IN_PAST:
                return moved
            case Reason.NOTICE_TOO_SHORT:
                # What has begun has a rule of its own for extending it.
                latest = now + violation.limit - rules.PAST_TOLERANCE_SECONDS
                return gained is not None and gained < latest and not self.begun
            case Reason.BEYOND_HORIZON:
                return gained is not None and (moved or gained == self.start)
            case reason if reason in BOUNDARIES:
                return violation not in self.known
            case reason if reason in WHOLE:
                return True
            case Reason.NOT_QUALIFIED:
                # Who let an operator go must be trained.
                return gained is not None or self.lets_go
            case _:
                return gained is not None or (violation.subject not in self._resources and bool(self.gained))

    @property
    def _resources(self) -> set[str]:
        return {allocation.resource for allocation in self.before.allocations}


def news_of(before: Reservation, wants: tuple[Want, ...], start: int, end: int, begun: bool) -> News:
    """What is new when a reservation is for these wants and `[start, end)`."""
    standing = standing_of(before)
    lines = {line.resource: line for line in before.lines}
    gained: dict[str, int] = {}
    known: set[Violation] = set()
    for want in wants:
        name = want.resource.id
        old = standing.get((name, want.companion_of))
        line = lines.get(want.companion_of or name, want.line)
        moved = (line.starts_after, line.ends_before) != (want.line.starts_after, want.line.ends_before)
        more = old is None or old.units < want.line.units or moved
        first = start if more else _first_new(before, start, end)
        if first is not None:
            gained[name] = min(first, gained.get(name, first))
        if old is not None and not want.companion_of:
            known |= set(rules.grid(want, *line.within(before.start, before.end)))
    lets_go = bool({allocation.resource for allocation in before.allocations} - {want.resource.id for want in wants})
    return News(before=before, start=start, begun=begun, gained=gained, lets_go=lets_go, known=frozenset(known))


def _first_new(before: Reservation, start: int, end: int) -> int | None:
    """The first moment of `[start, end)` in which a reservation was not; None if it was in all of them."""
    if start < before.start or start >= before.end:
        return start
    return before.end if end > before.end else None
