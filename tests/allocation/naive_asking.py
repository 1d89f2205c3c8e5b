"""The rules of changing what was approved once more, told simply. It shares no code with what it checks."""

from collections import Counter
from dataclasses import dataclass, field

from services.allocation.rejections import Reason
from services.allocation.reservations import Line
from services.allocation.resources import Resource, Unit
from tests.allocation.naive import Naive
from tests.allocation.naive_booking import HOUR, Booking

Wish = tuple[tuple[Line, ...], int, int]


@dataclass
class Asked:
    """A change that waits: what is wished, since when and until when, and who said what."""

    wish: Wish
    at: int
    expires: int
    votes: dict[str, bool] = field(default_factory=dict)


def more_of(booking: Booking, wish: Wish, lines_before: tuple[Line, ...]) -> set[str]:
    """The resources of which more units, other half-hours or somebody to run them are asked for."""
    lines, start, end = wish
    found = set()
    for line in lines:
        had = [each for each in lines_before if each.resource == line.resource]
        if (
            not had
            or line.units > had[0].units
            or start + line.starts_after < booking.start + had[0].starts_after
            or end - line.ends_before > booking.end - had[0].ends_before
            or (line.with_operator and not had[0].with_operator)
        ):
            found.add(line.resource)
    return found


def judged(naive: Naive, booking: Booking, wish: Wish, lines_before: tuple[Line, ...]) -> bool:
    """Whether somebody must agree to a change of what is confirmed or runs."""
    more, terms = more_of(booking, wish, lines_before), naive.companies[booking.company]
    own = [naive.resources[name] for name, _, parent in naive.wants(wish[0]) if not parent and name in more]
    large = terms.gpus_unapproved and naive.gpus(wish[0]) > terms.gpus_unapproved
    return any(_needs(each) or (large and each.unit in (Unit.GPU, Unit.MILLI_GPU)) for each in own)


def _needs(resource: Resource) -> bool:
    return resource.approval in ("manager", "committee")


def reasons(naive: Naive, name: str, after: Booking, apart: bool = False) -> set[Reason]:
    """Every reason against holding the new place beside the old one, once no rule forbids it by itself.

    These are those that there are wherever its units stand; and if they all stand `apart` from the old ones.
    """
    booking, former = naive.bookings[name], naive.beside.pop(name, None)
    try:
        held = after.held if apart else after.held - booking.held
        paid = after.paid if apart else after.paid - booking.paid
        wish = Booking(booking.company, after.start, after.end, held, paid)
        found = naive._quota(wish)
        for resource in {resource for resource, _ in held}:
            cells = {cell for other, cell in held if other == resource}
            found |= naive.groups(resource, (), cells)
            if naive.unfunded(resource, {cell: held[resource, cell] for cell in cells}):
                found.add(Reason.NOT_FUNDED)
        return found
    finally:
        if former is not None:
            naive.beside[name] = former


def deadline(naive: Naive, booking: Booking, wish: Wish, begun: bool, now: int) -> int:
    """Until when somebody must agree: as long as the rules give, before it starts, or of what runs before it ends."""
    hours = max(each.approval_hours for each in naive.approvers(booking.company, wish[0]))
    return min(now + hours * HOUR, booking.end if begun else min(booking.start, wish[1]))


def vote(naive: Naive, booking: Booking, asked: Asked, voter: str, approves: bool) -> bool | None:
    """Count a vote: whether the change is granted or, False, denied; None while that is open."""
    asked.votes[voter] = approves
    strictest = max(naive.approvers(booking.company, asked.wish[0]), key=lambda each: each.approval_quorum)
    agreed = sum(asked.votes.values())
    if agreed >= strictest.approval_quorum:
        return True
    return False if len(asked.votes) - agreed > strictest.approval_voters - strictest.approval_quorum else None


def covered(new: Counter[tuple[str, int]], *places: Counter[tuple[str, int]]) -> bool:
    """Whether all of a new place is held by some places together."""
    both: Counter[tuple[str, int]] = Counter()
    for each in places:
        both.update(each)
    return new <= both
