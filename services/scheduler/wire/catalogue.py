"""Resources between the API and the core: the longest translation, so it has a file of its own."""

from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.resources import BatchLimits, Closure, Companion, Kind, Node, OpeningHours, Resource, Unit
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields

KINDS = {
    api.RESOURCE_KIND_COMPUTE: Kind.COMPUTE,
    api.RESOURCE_KIND_EQUIPMENT: Kind.EQUIPMENT,
    api.RESOURCE_KIND_OPERATORS: Kind.OPERATORS,
}
UNITS = {
    api.RESOURCE_UNIT_NODE: Unit.NODE,
    api.RESOURCE_UNIT_GPU: Unit.GPU,
    api.RESOURCE_UNIT_MILLI_GPU: Unit.MILLI_GPU,
    api.RESOURCE_UNIT_CORE: Unit.CORE,
    api.RESOURCE_UNIT_SEAT: Unit.SEAT,
    api.RESOURCE_UNIT_OPERATOR: Unit.OPERATOR,
}
KIND_OF = {kind: number for number, kind in KINDS.items()}
UNIT_OF = {unit: number for number, unit in UNITS.items()}
NAME_CHARACTERS_MAX = 200


def register_resource(request: api.RegisterResourceRequest) -> commands.RegisterResource:
    """A resource and its rules. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.resource
    (resource,) = fields.name("resource.name", given.name, "resources")
    for field, value, known in (("kind", given.kind, KINDS), ("unit", given.unit, UNITS)):
        if value not in known:
            fields.fault(f"resource.{field}", "must be said")
    for field in ("units_min", "units_step", "bins_per_node", "bin_capacity"):
        if getattr(given, field) < 1:
            fields.fault(f"resource.{field}", "must be at least 1")
    for field in ("slots_max", "fee_krw_per_slot"):
        if getattr(given, field) < 0:
            fields.fault(f"resource.{field}", "must not be negative")
    wish = Resource(
        id=resource,
        kind=KINDS.get(given.kind, Kind.COMPUTE),
        unit=UNITS.get(given.unit, Unit.NODE),
        nodes=tuple(_nodes(fields, given)),
        slot_minutes=fields.whole("resource.slot", given.slot, 60, "minutes"),
        time_zone=fields.text("resource.time_zone", given.time_zone, 64),
        bins_per_node=given.bins_per_node,
        bin_capacity=given.bin_capacity,
        units_min=given.units_min,
        units_step=given.units_step,
        slots_max=given.slots_max,
        notice_hours=fields.whole("resource.notice", given.notice, 3600, "hours"),
        horizon_days=fields.whole("resource.horizon", given.horizon, 86_400, "days"),
        hours=_hours(given.opening_hours) if given.HasField("opening_hours") else None,
        closed_days=tuple(given.closed_days),
        closures=tuple(_closures(fields, given)),
        companions=tuple(_companions(fields, given)),
        only_with=fields.name("resource.only_with", given.only_with, "resources")[0] if given.only_with else "",
        exclusive_group=fields.text("resource.exclusive_group", given.exclusive_group, 63),
        changeover_minutes=fields.whole("resource.changeover", given.changeover, 60, "minutes"),
        quota_required=given.quota_required,
        data_zone=given.data_zone or "open",
        in_service=given.in_service,
        display_name=fields.text("resource.display_name", given.display_name, NAME_CHARACTERS_MAX),
        local_name=fields.text("resource.local_name", given.local_name, NAME_CHARACTERS_MAX),
        approval=fields.text("resource.approval", given.approval, 63),
        approval_hours=fields.whole("resource.approval_time", given.approval_time, 3600, "hours"),
        approval_voters=given.approval_voters or 1,
        approval_quorum=given.approval_quorum or 1,
        batch=_batch(fields, given) if given.HasField("batch") else None,
        training_required=given.training_required,
        human_subjects=given.human_subjects,
        weather_dependent=given.weather_dependent,
        setup_minutes=fields.whole("resource.setup", given.setup, 60, "minutes"),
        teardown_minutes=fields.whole("resource.teardown", given.teardown, 60, "minutes"),
        fee_krw_per_slot=given.fee_krw_per_slot,
        free_cancel_hours=fields.whole("resource.free_cancel", given.free_cancel, 3600, "hours"),
        no_show_grace_minutes=fields.whole("resource.no_show_grace", given.no_show_grace, 60, "minutes"),
        attributes=dict(sorted(given.attributes.items())),
    )
    fields.demand_valid()
    return commands.RegisterResource(resource=wish)


def _batch(fields: Fields, given: api.Resource) -> BatchLimits:
    return BatchLimits(
        reservations_max=given.batch.reservations_max,
        long_hours=fields.whole("resource.batch.long", given.batch.long, 3600, "hours"),
        long_at_once_max=given.batch.long_at_once_max,
    )


def _nodes(fields: Fields, given: api.Resource) -> Iterator[Node]:
    for number, node in enumerate(given.nodes):
        if not node.id:
            fields.fault(f"resource.nodes[{number}].id", "is required")
        yield Node(
            id=node.id,
            rack=node.rack,
            zone=node.zone,
            fabric_group=node.fabric_group,
            valid_from=fields.seconds(f"resource.nodes[{number}].valid_from_time", node.valid_from_time),
            valid_until=fields.seconds(f"resource.nodes[{number}].valid_until_time", node.valid_until_time),
        )


def _closures(fields: Fields, given: api.Resource) -> Iterator[Closure]:
    for number, closure in enumerate(given.closures):
        where = f"resource.closures[{number}]"
        yield Closure(
            start=fields.time(f"{where}.start_time", closure, "start_time"),
            end=fields.time(f"{where}.end_time", closure, "end_time"),
            zone=closure.zone,
            reason=fields.text(f"{where}.reason", closure.reason),
        )


def _companions(fields: Fields, given: api.Resource) -> Iterator[Companion]:
    for number, companion in enumerate(given.companions):
        where = f"resource.companions[{number}]"
        (resource,) = fields.name(f"{where}.resource", companion.resource, "resources")
        if companion.units < 1:
            fields.fault(f"{where}.units", "must be at least 1")
        yield Companion(resource=resource, units=companion.units, edges=companion.edges, optional=companion.optional)


def _hours(given: api.OpeningHours) -> OpeningHours:
    return OpeningHours(
        weekdays=tuple(day - 1 for day in given.weekdays),
        opens=given.opens_minute,
        closes=given.closes_minute,
        break_starts=given.break_starts_minute,
        break_ends=given.break_ends_minute,
    )


def resource_reply(resource: Resource, *, nodes: bool) -> api.Resource:
    """A resource as the API tells it, with or without its nodes."""
    reply = api.Resource(
        name=f"resources/{resource.id}",
        display_name=resource.display_name,
        local_name=resource.local_name,
        kind=KIND_OF[resource.kind],
        unit=UNIT_OF[resource.unit],
        capacity_units=resource.capacity,
        bins_per_node=resource.bins_per_node,
        bin_capacity=resource.bin_capacity,
        units_min=resource.units_min,
        units_step=resource.units_step,
        slot=Duration(seconds=resource.slot_seconds),
        time_zone=resource.time_zone,
        opening_hours=_hours_reply(resource.hours) if resource.hours else None,
        closed_days=resource.closed_days,
        closures=[_closure_reply(closure) for closure in resource.closures],
        slots_max=resource.slots_max,
        notice=Duration(seconds=resource.notice_hours * 3600),
        horizon=Duration(seconds=resource.horizon_days * 86_400),
        companions=[
            api.Companion(
                resource=f"resources/{each.resource}", units=each.units, edges=each.edges, optional=each.optional
            )
            for each in resource.companions
        ],
        only_with=f"resources/{resource.only_with}" if resource.only_with else "",
        exclusive_group=resource.exclusive_group,
        changeover=Duration(seconds=resource.changeover_minutes * 60),
        quota_required=resource.quota_required,
        data_zone=resource.data_zone,
        in_service=resource.in_service,
        approval=resource.approval,
        approval_time=Duration(seconds=resource.approval_hours * 3600),
        approval_voters=resource.approval_voters,
        approval_quorum=resource.approval_quorum,
        batch=_batch_reply(resource.batch) if resource.batch else None,
        training_required=resource.training_required,
        human_subjects=resource.human_subjects,
        weather_dependent=resource.weather_dependent,
        setup=Duration(seconds=resource.setup_minutes * 60),
        teardown=Duration(seconds=resource.teardown_minutes * 60),
        fee_krw_per_slot=resource.fee_krw_per_slot,
        free_cancel=Duration(seconds=resource.free_cancel_hours * 3600),
        no_show_grace=Duration(seconds=resource.no_show_grace_minutes * 60),
        attributes=resource.attributes,
    )
    if nodes:
        reply.nodes.extend(
            api.Node(
                id=node.id,
                rack=node.rack,
                zone=node.zone,
                fabric_group=node.fabric_group,
                valid_from_time=Timestamp(seconds=node.valid_from) if node.valid_from else None,
                valid_until_time=Timestamp(seconds=node.valid_until) if node.valid_until else None,
            )
            for node in resource.nodes
        )
    return reply


def _batch_reply(limits: BatchLimits) -> api.BatchLimits:
    return api.BatchLimits(
        reservations_max=limits.reservations_max,
        long=Duration(seconds=limits.long_hours * 3600),
        long_at_once_max=limits.long_at_once_max,
    )


def _hours_reply(hours: OpeningHours) -> api.OpeningHours:
    return api.OpeningHours(
        weekdays=[day + 1 for day in hours.weekdays],
        opens_minute=hours.opens,
        closes_minute=hours.closes,
        break_starts_minute=hours.break_starts,
        break_ends_minute=hours.break_ends,
    )


def _closure_reply(closure: Closure) -> api.Closure:
    return api.Closure(
        start_time=Timestamp(seconds=closure.start),
        end_time=Timestamp(seconds=closure.end),
        zone=closure.zone,
        reason=closure.reason,
    )
