"""Outages between the API and the core."""

from collections.abc import Iterable, Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.centre import Centre
from services.allocation.measures import HOUR_SECONDS
from services.allocation.resources import Resource
from services.allocation.values.funding import Funding
from services.allocation.values.outage import Outage, OutageKind, Outcome, Scope, Taken
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields

KINDS = {
    api.Outage.KIND_MAINTENANCE: OutageKind.MAINTENANCE,
    api.Outage.KIND_FAILURE: OutageKind.FAILURE,
    api.Outage.KIND_CLOSURE: OutageKind.CLOSURE,
}
KIND_OF = {kind: number for number, kind in KINDS.items()}
OUTCOME_OF = {
    Outcome.CHANGE_ENDED: api.AffectedReservation.OUTCOME_CHANGE_ENDED,
    Outcome.MOVED: api.AffectedReservation.OUTCOME_MOVED,
    Outcome.CURTAILED: api.AffectedReservation.OUTCOME_CURTAILED,
    Outcome.DISPLACED: api.AffectedReservation.OUTCOME_DISPLACED,
}
PLACE_CHARACTERS_MAX = 64


def declare_outage(request: api.DeclareOutageRequest) -> commands.DeclareOutage:
    """An outage and what it is about. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.outage
    (name,) = fields.name("outage.name", given.name, "outages")
    if given.kind not in KINDS:
        fields.fault("outage.kind", "must be said: maintenance, failure or closure")
    if not given.scopes:
        fields.fault("outage.scopes", "must name what is out")
    wish = Outage(
        id=name,
        kind=KINDS.get(given.kind, OutageKind.MAINTENANCE),
        reason=fields.text("outage.reason", given.reason),
        start=fields.seconds("outage.start_time", given.start_time),
        end=fields.seconds("outage.end_time", given.end_time),
        lead_in_hours=fields.whole("outage.lead_in", given.lead_in, HOUR_SECONDS, "hours"),
        scopes=tuple(_scope(fields, f"outage.scopes[{number}]", each) for number, each in enumerate(given.scopes)),
    )
    fields.demand_valid()
    return commands.DeclareOutage(outage=wish)


def lift_outage(request: api.LiftOutageRequest) -> commands.LiftOutage:
    """An outage whose units are back. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    (name,) = fields.name("name", request.name, "outages")
    etag, reason = fields.text("etag", request.etag, 64), fields.text("reason", request.reason)
    fields.demand_valid()
    return commands.LiftOutage(outage_id=name, etag=etag, reason=reason)


def set_funding(request: api.SetFundingRequest) -> commands.SetFunding:
    """A step of funding. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.funding
    (resource,) = fields.name("funding.resource", given.resource, "resources")
    if given.units < 0:
        fields.fault("funding.units", "must not be negative")
    wish = Funding(
        resource=resource,
        start=fields.seconds("funding.start_time", given.start_time),
        units=given.units,
        reason=fields.text("funding.reason", given.reason),
        displace=given.displace,
    )
    fields.demand_valid()
    return commands.SetFunding(funding=wish)


def funding_reply(funding: Funding) -> api.Funding:
    """A step of funding as clients see it."""
    return api.Funding(
        resource=f"resources/{funding.resource}",
        start_time=Timestamp(seconds=funding.start),
        units=funding.units,
        reason=funding.reason,
        displace=funding.displace,
    )


def outage_id(name: str) -> str:
    """The outage of a name. Raises `Problem`."""
    fields = Fields()
    (found,) = fields.name("name", name, "outages")
    fields.demand_valid()
    return found


def _scope(fields: Fields, where: str, given: api.OutageScope) -> Scope:
    if given.count < 0:
        fields.fault(f"{where}.count", "must not be negative")
    return Scope(
        resource=fields.name(f"{where}.resource", given.resource, "resources")[0] if given.resource else "",
        nodes=tuple(given.nodes),
        count=given.count,
        rack=fields.text(f"{where}.rack", given.rack, PLACE_CHARACTERS_MAX),
        zone=fields.text(f"{where}.zone", given.zone, PLACE_CHARACTERS_MAX),
        room=fields.text(f"{where}.room", given.room, PLACE_CHARACTERS_MAX),
    )


def outage_reply(centre: Centre, outage: Outage, now: int) -> api.Outage:
    """An outage as clients see it, at a time in seconds."""
    return api.Outage(
        name=f"outages/{outage.id}",
        kind=KIND_OF[outage.kind],
        reason=outage.reason,
        start_time=Timestamp(seconds=outage.start),
        end_time=Timestamp(seconds=outage.end) if outage.end else None,
        lead_in=Duration(seconds=outage.lead_in_hours * HOUR_SECONDS),
        scopes=[
            api.OutageScope(
                resource=f"resources/{scope.resource}" if scope.resource else "",
                nodes=scope.nodes,
                count=scope.count,
                rack=scope.rack,
                zone=scope.zone,
                room=scope.room,
            )
            for scope in outage.scopes
        ],
        taken=list(_taken(centre, outage.taken)),
        state=_state(outage, now),
        etag=outage.etag,
        declare_time=Timestamp(seconds=outage.declared_at),
        lift_time=Timestamp(seconds=outage.lifted_at) if outage.lifted_at else None,
        lift_reason=outage.lift_reason,
        position=outage.position,
    )


def resource_outages(centre: Centre, resource: Resource, now: int) -> Iterator[api.ResourceOutage]:
    """The outages of a resource that are not over, in order of declaration."""
    for outage in centre.outages.by_id.values():
        for taken in outage.taken:
            if taken.resource == resource.id and not is_over(outage, now):
                yield api.ResourceOutage(
                    outage=f"outages/{outage.id}",
                    kind=KIND_OF[outage.kind],
                    reason=outage.reason,
                    start_time=Timestamp(seconds=outage.start),
                    end_time=Timestamp(seconds=outage.end) if outage.end else None,
                    nodes=[resource.nodes[number].id for number in taken.nodes],
                    units=len(taken.nodes) * resource.units_per_node,
                )


def is_over(outage: Outage, now: int) -> bool:
    """Whether the units are back."""
    return bool(outage.lifted_at) or outage.until <= now


def _state(outage: Outage, now: int) -> "api.Outage.State.ValueType":
    if is_over(outage, now):
        return api.Outage.STATE_OVER
    return api.Outage.STATE_PLANNED if now < outage.start else api.Outage.STATE_IN_FORCE


def _taken(centre: Centre, taken: Iterable[Taken]) -> Iterator[api.OutageUnits]:
    for each in taken:
        resource = centre.pools[each.resource].resource
        yield api.OutageUnits(
            resource=f"resources/{resource.id}",
            nodes=[resource.nodes[number].id for number in each.nodes],
            units=len(each.nodes) * resource.units_per_node,
        )
