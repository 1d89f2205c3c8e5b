"""Splitting a reservation: a part of it becomes one of its own, of the same company, to be handed over, given back or
changed by itself.

Nothing is had anew, nothing is given back, and no unit moves; so the rules of notice, horizon, quota, conduct and
funding are not asked. Each part obeys by itself what a booking must be: the grid, shapes, companions, exclusive groups,
and how many reservations a company may have of batch work. The part keeps the rate card, the approval and the override
of the whole, when that was booked, and how late it is to give it back. An occurrence stays in its series; the part is
in none. A class is one, and is not split: who would be in which part is not known here.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation import commands, events, rules
from services.allocation.booking.rehearsal import Rehearsal
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import find, wrong_state
from services.allocation.prices.pricing import Rate, amounts
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.reservations import Allocation, Line, Overburn, Reservation, State
from services.allocation.units.parting import Side, Timed, parted, timed
from services.allocation.values.origin import Origin
from services.allocation.wording import counted, figure


def split_reservation(centre: Centre, command: commands.SplitReservation, now: int) -> Events:
    """Let a part of a reservation be one of its own, or say everything that stands in the way. The part comes last."""
    whole = find(centre, command)
    _check_free(centre, whole, now)
    stays, leaves = _by_time(whole, command.at) if command.at is not None else _by_units(centre, whole, command.lines)
    if min(begin for _, (begin, _) in stays) != whole.start:
        told = "What is left would begin later than the reservation does. Let what begins later leave instead."
        raise refuse(Reason.INVALID_LINES, told, whole.id)
    rest, gone = parted(centre, whole, stays, leaves, command.at)
    made = _made(centre, command, whole, rest, gone)
    broken = list(_broken(centre, whole, made[0], rest, gone))
    broken += _dearer(centre, whole, rest, gone, by_time=command.at is not None)
    if broken:
        raise Rejected(broken)
    return made


def _check_free(centre: Centre, whole: Reservation, now: int) -> None:
    """Raises `Rejected` for what cannot be split, or not now."""
    if whole.state is not State.CONFIRMED:
        raise wrong_state(whole, "split while it is confirmed", "It has begun, ended, or is not decided.")
    if whole.start <= now or whole.checked_in_at:
        raise refuse(Reason.WRONG_STATE, "Its use has begun, so it stays one.", whole.id)
    if whole.asked is not None:
        told = "A change of it waits for approval. Withdraw that first: ask for what it is."
        raise refuse(Reason.WRONG_STATE, told, whole.id)
    if whole.offered_to:
        told = f"It is offered to {whole.offered_to} as it is. Withdraw the offer, then split it."
        raise refuse(Reason.WRONG_STATE, told, whole.id)
    if whole.participants is not None:
        told = "It is a class, and who would be in which part is not known. Book another class for those who leave."
        raise refuse(Reason.WRONG_STATE, told, whole.id)
    if whole.id in centre.outages.stranded:
        told = "An outage takes its units, and the centre is finding others. Ask again in a moment."
        raise refuse(Reason.WRONG_STATE, told, whole.id)


def _by_time(whole: Reservation, at: int) -> tuple[list[Timed], list[Timed]]:
    """What is held before a time, and what from then on; neither has any of the hours in which nothing is open."""
    held = {each.resource: each for each in whole.allocations if not each.companion_of}
    stays: list[Timed] = []
    leaves: list[Timed] = []
    for line, (begin, end) in timed(whole):
        spans = held[line.resource].spans if line.resource in held else ((begin, end),)
        before = [min(until, at) for since, until in spans if since < at]
        after = [max(since, at) for since, until in spans if until > at]
        stays += [(line, (begin, before[-1] if after else end))] if before else []
        leaves += [(line, (after[0] if before else begin, end))] if after else []
    if not (stays and leaves):
        raise refuse(Reason.INVALID_INTERVAL, "It is split at a time after its start and before its end.", whole.id)
    return stays, leaves


def _by_units(centre: Centre, whole: Reservation, asked: tuple[Line, ...]) -> tuple[list[Timed], list[Timed]]:
    """What stays when some units leave, and what these are. Raises `Rejected` for units that it does not have."""
    leaving = {line.resource: line.units for line in asked}
    violations = list(_line_violations(centre, whole, asked))
    if violations:
        raise Rejected(violations)
    stays: list[Timed] = []
    leaves: list[Timed] = []
    for line, time in timed(whole):
        units = leaving.get(line.resource, 0)
        if units < line.units:
            stays.append((_of(line, line.units - units), time))
        if units:
            leaves.append((_of(line, units), time))
    if not stays:
        raise refuse(Reason.INVALID_LINES, "Nothing of it would stay. Leave some of it out.", whole.id)
    return stays, leaves


def _of(line: Line, units: int) -> Line:
    return line if units == line.units else replace(line, units=units)


def _line_violations(centre: Centre, whole: Reservation, asked: tuple[Line, ...]) -> Iterator[Violation]:
    held = {line.resource: line.units for line in whole.lines}
    if len({line.resource for line in asked}) < len(asked) or not asked:
        told = "Name each resource of which something leaves once, or a time from which on all of it leaves."
        yield Violation(reason=Reason.INVALID_LINES, description=told, subject=whole.id)
    for line in asked:
        if line.resource not in held:
            told = f"{line.resource} is in no line of it. What comes along leaves with what brings it."
            yield Violation(reason=Reason.INVALID_LINES, description=told, subject=line.resource)
        elif not 0 < line.units <= held[line.resource]:
            unit = centre.pools[line.resource].resource.unit
            has, wanted = counted(held[line.resource], unit), figure(line.units, unit)
            yield Violation(
                reason=Reason.INVALID_UNITS,
                description=f"It has {has} of {line.resource}, and {wanted} cannot leave. Ask for no more than it has.",
                subject=line.resource,
                limit=held[line.resource],
                asked=line.units,
            )


Made = tuple[events.ReservationChanged, events.ReservationConfirmed]


def _made(centre: Centre, command: commands.SplitReservation, whole: Reservation, rest: Side, gone: Side) -> Made:
    card = centre.cards.of(whole)
    kept, left = _shares(whole, gone.allocations)
    changed = events.ReservationChanged(
        reservation_id=whole.id,
        start=rest.start,
        end=rest.end,
        lines=rest.lines,
        allocations=rest.allocations,
        note=whole.note,
        overburn=kept,
        parted=command.part_id,
    )
    confirmed = events.ReservationConfirmed(
        reservation_id=command.part_id,
        company=whole.company,
        start=gone.start,
        end=gone.end,
        lines=gone.lines,
        allocations=gone.allocations,
        note=whole.note,
        override=whole.override,
        overburn=left,
        origin=Origin(
            of=whole.id,
            first=whole.origin.first if whole.origin is not None and whole.origin.first else whole.id,
            ahead=gone.start - whole.late_from,
            card=card.id if card is not None else "",
        ),
        booked_at=whole.created_at,
        approval=whole.approval,
    )
    return changed, confirmed


def _shares(whole: Reservation, gone: tuple[Allocation, ...]) -> tuple[tuple[Overburn, ...], tuple[Overburn, ...]]:
    """What of either part lay beyond the quota: as much of it as it is of the whole, and all of it together."""
    kept: list[Overburn] = []
    left: list[Overburn] = []
    for each in whole.overburn:
        share = each.unit_seconds * _metered(gone, each.meter) // max(1, _metered(whole.allocations, each.meter))
        for found, unit_seconds in ((left, share), (kept, each.unit_seconds - share)):
            found += [Overburn(meter=each.meter, unit_seconds=unit_seconds)] if unit_seconds else []
    return tuple(kept), tuple(left)


def _metered(allocations: tuple[Allocation, ...], meter: str) -> int:
    return sum(each.unit_seconds for each in allocations if each.meter == meter)


def _broken(
    centre: Centre, whole: Reservation, changed: events.ReservationChanged, rest: Side, gone: Side
) -> Iterator[Violation]:
    """What forbids either part to stand by itself, unless an operator let the whole break that."""
    company = centre.companies[whole.company]
    with centre.holdings.without(whole):
        broken = list(rules.alone(centre, company, rest.wants, rest.start, rest.end))
    with Rehearsal(centre) as rehearsal:
        rehearsal.play([changed])
        broken += rules.alone(centre, company, gone.wants, gone.start, gone.end)
    excused = whole.override.reasons if whole.override is not None else ()
    yield from (each for each in broken if each.fixed or each.reason not in excused)


def _dearer(centre: Centre, whole: Reservation, rest: Side, gone: Side, *, by_time: bool) -> Iterator[Violation]:
    """That the parts would cost more than the whole: begun shares of a GPU, and begun slots, are paid as whole ones."""
    card = centre.cards.of(whole)
    if card is None:
        return
    company, zone = centre.companies[whole.company], centre.periods.zone.key

    def rate(name: str) -> Rate:
        return centre.rates.of(card, company, centre.pools[name].resource, zone).rate

    held = (whole.allocations, rest.allocations, gone.allocations)
    price, stays, leaves = (sum(each.krw for each in amounts(one, rate, centre.periods)) for one in held)
    if stays + leaves > price:
        where, reason = ("slots end", Reason.INVALID_INTERVAL) if by_time else ("shares end", Reason.INVALID_UNITS)
        yield Violation(
            reason=reason,
            description=f"The two parts would cost {stays + leaves - price:,} KRW more than it does, for begun ones "
            f"count as whole. Split it where {where}.",
            subject=whole.id,
            limit=price,
            asked=stays + leaves,
        )
