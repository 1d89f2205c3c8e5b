"""A demand, completed: the lines asked for, and the companions that the equipment among them cannot run without.

Companions come along for the same slots without being asked for, and are paid by the equipment that needs them: they
are on no meter. A line that names a companion anyway is that companion, as far as the need goes. What a companion needs
in turn is covered by the equipment that brought it.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.calendars.places import Part
from services.allocation.calendars.pool import Pool
from services.allocation.centre import Centre
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.reservations import Line
from services.allocation.resources import Interval, Kind, Resource
from services.allocation.units.want import Want
from services.allocation.wording import figure

LINES_MAX = 16
UNITS_MAX = 1_000_000


def complete(centre: Centre, lines: tuple[Line, ...], start: int, end: int) -> tuple[Want, ...]:
    """The wants behind some lines for an interval. Raises `Rejected` when the lines make no sense."""
    violations = [*_line_violations(centre, lines), *_time_violations(lines, end - start)]
    if violations:
        raise Rejected(violations)
    if len(lines) == 1 and not centre.pools[lines[0].resource].resource.companions:
        return (_want(centre.pools[lines[0].resource], lines[0], start, end),)
    return tuple(_with_companions(centre, lines, start, end))


def _with_companions(centre: Centre, lines: tuple[Line, ...], start: int, end: int) -> Iterator[Want]:
    """Every line, as far as the lines before it have not brought it along, and what it brings along itself."""
    # Equipment comes before what it needs, because it was registered after it.
    rank = {name: -number for number, name in enumerate(centre.pools)}
    brought: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: rank[line.resource]):
        own = line.units - brought.get(line.resource, 0)
        if own <= 0:
            continue
        pool = centre.pools[line.resource]
        if own < line.units:
            line = replace(line, units=own, units_per_node=0)
        yield _want(pool, line, start, end)
        for companion in pool.resource.companions:
            if companion.optional and not line.with_operator:
                continue
            need = Line(
                resource=companion.resource,
                units=companion.units * own,
                starts_after=line.starts_after,
                ends_before=line.ends_before,
            )
            brought[need.resource] = brought.get(need.resource, 0) + need.units
            other = centre.pools[need.resource]
            spans = pool.open_spans(*line.within(start, end))
            if companion.edges:
                spans = _edges(spans, pool.resource.slot_seconds)
            yield Want(
                other,
                other.resource,
                need,
                _parts(other, need),
                spans,
                companion_of=line.resource,
                edges=companion.edges,
            )


def _want(pool: Pool, line: Line, start: int, end: int) -> Want:
    spans = pool.open_spans(*line.within(start, end))
    return Want(pool, pool.resource, line, _parts(pool, line), spans, meter=_meter(pool.resource))


def _edges(spans: tuple[Interval, ...], slot: int) -> tuple[Interval, ...]:
    """The first slot of some spans, and the last one; never beyond them, even where they are off the grid."""
    if sum(end - start for start, end in spans) <= 2 * slot:
        return spans
    first, last = spans[0], spans[-1]
    return (first[0], min(first[0] + slot, first[1])), (max(last[1] - slot, last[0]), last[1])


def _parts(pool: Pool, line: Line) -> tuple[Part, ...]:
    try:
        return pool.parts(line)
    except ValueError as error:
        raise Rejected([_no_shape(pool.resource, line, error)]) from None


def _meter(resource: Resource) -> str:
    """Which quota pays: a pool's own, or one for all equipment. An accessory rides with its equipment."""
    if resource.kind is Kind.COMPUTE:
        return resource.id if resource.quota_required else ""
    return EQUIPMENT_METER if resource.kind is Kind.EQUIPMENT and not resource.only_with else ""


def _line_violations(centre: Centre, lines: tuple[Line, ...]) -> Iterator[Violation]:
    if not 1 <= len(lines) <= LINES_MAX:
        yield Violation(
            reason=Reason.INVALID_LINES,
            description=f"A demand has 1 to {LINES_MAX} lines; this one has {len(lines)}.",
            limit=LINES_MAX,
            asked=len(lines),
        )
        return
    seen: set[str] = set()
    for line in lines:
        pool = centre.pools.get(line.resource)
        if pool is None:
            yield Violation(
                reason=Reason.RESOURCE_NOT_FOUND,
                description=f"There is no resource {line.resource!r}. ListResources names those that there are.",
                subject=line.resource,
            )
        elif line.resource in seen:
            yield Violation(
                reason=Reason.INVALID_LINES,
                description=f"{line.resource} is named twice. Put its units into one line.",
                subject=line.resource,
            )
        elif line.with_operator and not _operable(centre, pool.resource):
            yield Violation(
                reason=Reason.INVALID_LINES,
                description=f"{line.resource} has no operator who could come along. Ask for it without one.",
                subject=line.resource,
            )
        else:
            yield from _unit_violations(pool, line)
        seen.add(line.resource)


def _operable(centre: Centre, resource: Resource) -> bool:
    """Whether somebody of the centre runs it, for everybody or for whoever asks."""
    return any(centre.pools[each.resource].resource.kind is Kind.OPERATORS for each in resource.companions)


def _time_violations(lines: tuple[Line, ...], duration: int) -> Iterator[Violation]:
    """A demand begins with its first line and ends with its last; between them each line has a time of its own."""
    if not any(line.starts_after or line.ends_before for line in lines):
        return
    if any(line.starts_after < 0 or line.ends_before < 0 for line in lines):
        yield Violation(reason=Reason.INVALID_LINES, description="A line begins and ends within its demand.")
    for line in lines:
        if line.starts_after + line.ends_before >= duration:
            yield Violation(
                reason=Reason.INVALID_INTERVAL,
                description=f"Nothing is left of the time of {line.resource}: it begins {line.starts_after} seconds "
                f"after the demand and ends {line.ends_before} seconds before it, which lasts {duration}.",
                subject=line.resource,
                limit=duration,
                asked=line.starts_after + line.ends_before,
            )
    if all(line.starts_after for line in lines) or all(line.ends_before for line in lines):
        yield Violation(
            reason=Reason.INVALID_LINES,
            description="Some line must begin with the demand, and some line end with it. Ask for the time in between.",
        )


def _unit_violations(pool: Pool, line: Line) -> Iterator[Violation]:
    resource = pool.resource
    units, least, step, unit = line.units, resource.units_min, resource.units_step, resource.unit
    if not least <= units <= UNITS_MAX or (units - least) % step:
        yield Violation(
            reason=Reason.INVALID_UNITS,
            description=f"{resource.id} is booked in {unit.plural} from {figure(least, unit)} on, in steps of "
            f"{figure(step, unit)}; {figure(units, unit)} were asked for.",
            subject=resource.id,
            limit=least,
            asked=units,
        )
        return
    try:
        pool.parts(line)
    except ValueError as error:
        yield _no_shape(resource, line, error)


def _no_shape(resource: Resource, line: Line, error: ValueError) -> Violation:
    return Violation(
        reason=Reason.INVALID_UNITS,
        description=f"{resource.id}: {error}.",
        subject=resource.id,
        limit=resource.units_per_node,
        asked=line.units,
    )
