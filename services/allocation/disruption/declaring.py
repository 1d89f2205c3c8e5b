"""Declaring and lifting an outage: what it is about, when it may be, and what then happens to whom."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.disruption.clearing import Cleared, clear
from services.allocation.events import Events
from services.allocation.life import follow
from services.allocation.measures import MINUTE_SECONDS
from services.allocation.rejections import Reason, check_sound, refuse
from services.allocation.reservations import Reservation
from services.allocation.resources import Resource
from services.allocation.rules import PAST_TOLERANCE_SECONDS
from services.allocation.tables.outages import OUTCOMES
from services.allocation.values.outage import OPEN_END, Fate, Outage, Scope, Taken

SCOPES_MAX = 100
OUTAGES_MAX = 1_000
LEAD_IN_HOURS_MAX = 14 * 24


class Plan(Struct, frozen=True, kw_only=True):
    """What declaring an outage would do at once, and who would be left for later pages."""

    outage: Outage
    fates: tuple[Fate, ...]
    cleared: Cleared
    left: tuple[Reservation, ...]


def declare(centre: Centre, command: commands.DeclareOutage, now: int) -> Events:
    """Take units out, and clear the way as far as one page goes. Raises `Rejected`."""
    made = plan(centre, command, now)
    return (*made.cleared, events.OutageDeclared(outage=made.outage))


def plan(centre: Centre, command: commands.DeclareOutage, now: int) -> Plan:
    """What would become of whom. The centre is left as it was. Raises `Rejected`."""
    asked = command.outage
    if asked.id in centre.outages.by_id:
        raise refuse(Reason.ALREADY_EXISTS, f"There is an outage {asked.id} already.", asked.id)
    start = asked.start if asked.start > now else now // MINUTE_SECONDS * MINUTE_SECONDS
    faults = [*_faults(asked, start, now), *_scope_faults(centre, asked)]
    if len(centre.outages.by_id) >= OUTAGES_MAX:
        faults.append(f"at most {OUTAGES_MAX} outages are kept; lift some")
    check_sound(Reason.INVALID_OUTAGE, asked.id, faults)
    outage = replace(asked, start=start, declared_at=now)
    outage = replace(outage, taken=_taken(centre, outage))
    # Nothing below may refuse.
    centre.outages.take_out(outage)
    try:
        met = centre.outages.in_the_way(outage)
        cleared = clear(centre, met, now)
    finally:
        centre.outages.withdraw(outage)
    dealt_with = {event.reservation_id for event in cleared}
    return Plan(
        outage=outage,
        fates=_fates(centre, cleared, now),
        cleared=cleared,
        left=tuple(reservation for reservation in met if reservation.id not in dealt_with),
    )


def lift(centre: Centre, command: commands.LiftOutage, now: int) -> Events:
    """Give the units of an outage back, from the minute that runs. Raises `Rejected`."""
    outage = centre.outages.by_id.get(command.outage_id)
    if outage is None:
        raise refuse(Reason.OUTAGE_NOT_FOUND, f"There is no outage {command.outage_id!r}.", command.outage_id)
    if command.etag and command.etag != outage.etag:
        raise refuse(
            Reason.STALE_ETAG, "The outage has changed since it was read. Read it again, and decide again.", outage.id
        )
    if outage.lifted_at or outage.until <= now:
        raise refuse(Reason.WRONG_STATE, f"The outage {outage.id} is over; its units are back already.", outage.id)
    lifted_at = max(1, now // MINUTE_SECONDS * MINUTE_SECONDS)
    return (events.OutageLifted(outage=outage.id, lifted_at=lifted_at, reason=command.reason),)


def _fates(centre: Centre, cleared: Cleared, now: int) -> tuple[Fate, ...]:
    """What would become of whom: of one of which a change is given up as well, what becomes of itself."""
    caused = (event for event in cleared if type(event) in OUTCOMES and event.outage)
    return tuple({event.reservation_id: _fate(centre, event, now) for event in caused}.values())


def _fate(centre: Centre, event: events.ReservationEvent, now: int) -> Fate:
    """What an event would make of a reservation."""
    before = centre.reservations[event.reservation_id]
    return centre.outages.fate_of(before, follow(before, event, now, 0), event)


def _faults(asked: Outage, start: int, now: int) -> Iterator[str]:
    if asked.start and asked.start < now - PAST_TOLERANCE_SECONDS:
        yield "it must start now or later: the past cannot be undone"
    if asked.start % MINUTE_SECONDS or asked.end % MINUTE_SECONDS:
        yield "it starts and ends on a full minute"
    if asked.end and not start < asked.end < OPEN_END:
        yield "it must end after it starts"
    if not 0 <= asked.lead_in_hours <= LEAD_IN_HOURS_MAX:
        yield f"its lead-in lasts at most {LEAD_IN_HOURS_MAX} hours"
    if not 1 <= len(asked.scopes) <= SCOPES_MAX:
        yield f"it names 1 to {SCOPES_MAX} things to take out"


def _scope_faults(centre: Centre, asked: Outage) -> Iterator[str]:
    for number, scope in enumerate(asked.scopes):
        where = f"scope {number + 1}"
        if sum(map(bool, (scope.resource, scope.rack, scope.zone, scope.room))) != 1:
            yield f"{where} must name a resource, a rack, a zone or a room"
        elif not scope.resource:
            if scope.nodes or scope.count:
                yield f"{where} names nodes, or a number of them, without their resource"
            elif not any(_place_numbers(pool.resource, scope) for pool in centre.pools.values()):
                yield f"{where}: nothing stands in {scope.rack or scope.zone or scope.room}"
        elif scope.resource not in centre.pools:
            yield f"{where}: there is no resource {scope.resource!r}"
        else:
            yield from _resource_faults(centre.pools[scope.resource].resource, scope, where)


def _resource_faults(resource: Resource, scope: Scope, where: str) -> Iterator[str]:
    unknown = sorted(set(scope.nodes) - {node.id for node in resource.nodes})
    if unknown:
        yield f"{where}: {resource.id} has no {', '.join(unknown[:3])}"
    if scope.nodes and scope.count:
        yield f"{where} names nodes and a number of nodes; choose one"
    if not 0 <= scope.count <= len(resource.nodes):
        yield f"{where}: {resource.id} has {len(resource.nodes)} nodes, not {scope.count}"


def _taken(centre: Centre, outage: Outage) -> tuple[Taken, ...]:
    """The nodes that an outage is about, by resource in order of registration."""
    found: list[Taken] = []
    for name, pool in centre.pools.items():
        numbers: set[int] = set()
        # Those that are named come first, so that a number of others are others.
        for scope in sorted(outage.scopes, key=lambda scope: bool(scope.count)):
            numbers |= _numbers(pool, scope, outage, numbers)
        if numbers:
            found.append(Taken(resource=name, nodes=tuple(sorted(numbers))))
    return tuple(found)


def _numbers(pool: Pool, scope: Scope, outage: Outage, named: set[int]) -> set[int]:
    if not scope.resource:
        return set(_place_numbers(pool.resource, scope))
    if scope.resource != pool.resource.id:
        return set()
    if scope.count:
        return set(_least_needed(pool, outage, named)[: scope.count])
    return {number for number, node in enumerate(pool.resource.nodes) if not scope.nodes or node.id in scope.nodes}


def _place_numbers(resource: Resource, scope: Scope) -> list[int]:
    """The nodes that stand in a rack or a zone, or all of them where the resource stands in a room."""
    if scope.room:
        return list(range(len(resource.nodes))) if resource.attributes.get("room") == scope.room else []
    return [
        number
        for number, node in enumerate(resource.nodes)
        if (node.rack == scope.rack if scope.rack else node.zone == scope.zone)
    ]


def _least_needed(pool: Pool, outage: Outage, named: set[int]) -> list[int]:
    """The nodes of a pool that are not out yet, first those of which the least is held at any time of an outage."""
    first, last = pool.calendar.window(outage.interval)
    peaks = pool.calendar.used[first:last].max(axis=0, initial=0).reshape(len(pool.resource.nodes), -1).sum(axis=1)
    out = pool.closed.drawn(first, last).any(axis=0).reshape(len(pool.resource.nodes), -1).any(axis=1)
    order = np.lexsort((-np.arange(len(peaks)), peaks, out))
    return [int(number) for number in order if number not in named]
