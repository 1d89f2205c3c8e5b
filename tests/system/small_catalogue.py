"""A centre small enough to be contended, with one of everything: pools of three kinds, staff, a rig that needs both."""

from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HOUR = 3600
DAY = 24 * HOUR
MONDAY = 1_772_409_600
"""Monday 2026-03-02 00:00 UTC, in seconds: when the simulated time of a test centre begins."""
YEAR_END = MONDAY + 300 * DAY
COMPANIES = tuple(f"CMP-{number}" for number in range(1, 7))
COMPANY, RIVAL = COMPANIES[0], COMPANIES[1]


def resources() -> Sequence[api.Resource]:
    """Everything that can be booked, each after what it needs."""
    return (
        _compute("gpu", api.RESOURCE_UNIT_GPU, nodes=8, bins=8, capacity=1, quota_required=True),
        _compute("milli", api.RESOURCE_UNIT_MILLI_GPU, nodes=4, bins=4, capacity=1000, units_min=125, units_step=125),
        _compute("core", api.RESOURCE_UNIT_CORE, nodes=16, bins=1, capacity=64),
        _simple("STAFF", api.RESOURCE_KIND_OPERATORS, api.RESOURCE_UNIT_OPERATOR, 3),
        _equipment("RIG", companions=[_companion("STAFF", 2), _companion("milli", 2000)]),
        _equipment("SEATS", seats=4),
        _equipment("BENCH", seats=6, approval="manager", approval_time=Duration(seconds=2 * HOUR), human_subjects=True),
        _equipment("ROOM-A", exclusive_group="room", changeover=Duration(seconds=HOUR)),
        _equipment("ROOM-B", exclusive_group="room", changeover=Duration(seconds=HOUR)),
    )


def companies() -> Sequence[api.Company]:
    """Six tenants with wide terms, so that it is the resources that run out."""
    return [
        api.Company(
            name=f"companies/{company}",
            display_name=company,
            agreement_start_time=Timestamp(seconds=MONDAY - DAY),
            agreement_end_time=Timestamp(seconds=YEAR_END),
            horizon=Duration(seconds=60 * DAY),
            reservation_max=Duration(seconds=7 * DAY),
        )
        for company in COMPANIES
    ]


def quotas() -> Sequence[api.Quota]:
    """GPU hours and equipment hours for everybody."""
    return [
        api.Quota(
            company=f"companies/{company}",
            meter=meter,
            start_time=Timestamp(seconds=MONDAY - DAY),
            end_time=Timestamp(seconds=YEAR_END),
            unit_seconds=unit_seconds,
            concurrent_units_max=units_max,
        )
        for company in COMPANIES
        for meter, unit_seconds, units_max in (
            ("resources/gpu", 20_000 * HOUR, 48),
            ("equipment", 2_000 * HOUR, 0),
        )
    ]


def _simple(
    name: str, kind: "api.ResourceKind.ValueType", unit: "api.ResourceUnit.ValueType", nodes: int, **rules: object
) -> api.Resource:
    settings: dict[str, object] = {"bins_per_node": 1, "bin_capacity": 1, "units_min": 1, "units_step": 1, **rules}
    return api.Resource(
        name=f"resources/{name}",
        kind=kind,
        unit=unit,
        nodes=[
            api.Node(id=f"{name}-{number}", rack=f"R{number // 4}", fabric_group=f"F{number // 4}")
            for number in range(nodes)
        ],
        slot=Duration(seconds=HOUR),
        time_zone="Asia/Seoul",
        data_zone="open",
        in_service=True,
        **settings,  # type: ignore[arg-type]  # rules of a resource, as keywords
    )


def _compute(
    name: str, unit: "api.ResourceUnit.ValueType", *, nodes: int, bins: int, capacity: int, **rules: object
) -> api.Resource:
    kind = api.RESOURCE_KIND_COMPUTE
    return _simple(name, kind, unit, nodes, bins_per_node=bins, bin_capacity=capacity, **rules)


def _equipment(name: str, *, seats: int = 1, **rules: object) -> api.Resource:
    kind, unit = api.RESOURCE_KIND_EQUIPMENT, api.RESOURCE_UNIT_SEAT
    return _simple(name, kind, unit, seats, quota_required=True, horizon=Duration(seconds=60 * DAY), **rules)


def _companion(resource: str, units: int) -> api.Companion:
    return api.Companion(resource=f"resources/{resource}", units=units)
