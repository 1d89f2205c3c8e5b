"""Demonstration equipment: the rows of `equipment.csv`, with what each piece cannot run without."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.cli.catalogue.calendar import Calendar
from services.cli.catalogue.compute import MILLI
from services.cli.catalogue.tables import Row, Rules, days, hours, minutes, opening_hours, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

ID_SEPARATOR = "|"
NEEDED = ("manager", "committee")
"""Who must agree to a booking; the others are approved by nobody."""
OPERATED = ("required", "optional")
"""Where operators come along: always, or for whoever asks."""

TYPED_COLUMNS = (
    *("equipment_id", "name_ko", "name_en", "units", "slot_minutes", "max_slots"),
    *("open_days", "open", "close", "break", "approval", "advance_min_hours", "advance_max_days"),
    *("training_required", "setup_minutes", "teardown_minutes", "changeover_minutes", "fee_krw_per_slot"),
    *("free_cancel_hours", "no_show_grace_minutes", "exclusive_group", "only_with_equipment"),
    *("human_subjects", "data_zone", "weather_dependent", "status"),
)
"""Columns that have a field of their own; the others are kept as attributes."""


def read_equipment(
    path: Path, rules: Rules, calendar: Calendar, pools: Mapping[str, api.Resource]
) -> list[api.Resource]:
    """Read `equipment.csv`. `pools` are the compute pools by resource name."""
    return [read_item(row, rules, calendar, pools) for row in read_rows(path)]


def read_item(row: Row, rules: Rules, calendar: Calendar, pools: Mapping[str, api.Resource]) -> api.Resource:
    """One piece of equipment; `units` of it are seats that can be booked apart."""
    item = row.text("equipment_id")
    partner = row.text("only_with_equipment")
    building = rules.entry("buildings", row.text("building"))
    return api.Resource(
        name=f"resources/{item}",
        display_name=row.text("name_en"),
        local_name=row.text("name_ko"),
        kind=api.RESOURCE_KIND_EQUIPMENT,
        unit=api.RESOURCE_UNIT_SEAT,
        nodes=[api.Node(id=f"{item}-{seat}") for seat in range(1, row.number("units") + 1)],
        bins_per_node=1,
        bin_capacity=1,
        units_min=1,
        units_step=1,
        slot=minutes(row.number("slot_minutes")),
        time_zone=rules.time_zone,
        opening_hours=row_hours(row),
        closed_days=calendar.holidays,
        slots_max=row.number("max_slots"),
        notice=hours(row.number("advance_min_hours")),
        horizon=days(row.number("advance_max_days")),
        companions=companions(row, pools),
        only_with=f"resources/{partner}" if partner else "",
        exclusive_group=row.text("exclusive_group"),
        changeover=minutes(row.number("changeover_minutes")),
        quota_required=True,
        data_zone=row.text("data_zone"),
        in_service=row.text("status") == "in_service",
        **approval(row, rules),
        training_required=row.truth("training_required"),
        human_subjects=row.truth("human_subjects"),
        weather_dependent=row.truth("weather_dependent"),
        setup=minutes(row.number("setup_minutes")),
        teardown=minutes(row.number("teardown_minutes")),
        fee_krw_per_slot=row.number("fee_krw_per_slot"),
        free_cancel=hours(row.number("free_cancel_hours")),
        no_show_grace=minutes(row.number("no_show_grace_minutes")),
        attributes={
            **row.others(TYPED_COLUMNS),
            "building_name": str(building["name_en"]),
            "building_open": str(building["open"]),
        },
    )


def approval(row: Row, rules: Rules) -> dict[str, Any]:
    """Who approves a booking, how long they may take, and how many of them must agree."""
    rule = row.text("approval")
    if rule not in NEEDED:
        return {"approval": rule}
    members = row.read("approval", lambda key: rules.at("equipment_rules", "approval_voters")[key])
    return {
        "approval": rule,
        "approval_time": row.read(
            "approval", lambda key: hours(rules.at("equipment_rules", "approval_sla_hours")[key])
        ),
        "approval_voters": members["voters"],
        "approval_quorum": members["quorum"],
    }


def row_hours(row: Row) -> api.OpeningHours | None:
    """The timetable that four columns give, or None if it never closes."""
    open_days, opens, closes = row.text("open_days"), row.text("open"), row.text("close")
    return row.read("break", lambda pause: opening_hours(open_days, opens, closes, pause))


def companions(row: Row, pools: Mapping[str, api.Resource]) -> Iterator[api.Companion]:
    """What is booked along with it: other equipment, accelerators, and staff for all of its time or both its ends."""
    for item in filter(None, row.text("needs_equipment").split(ID_SEPARATOR)):
        yield api.Companion(resource=f"resources/{item}", units=1)
    if accelerators := row.number("needs_gpus"):
        pool = row.read("needs_gpu_pool", lambda name: pools[f"resources/{name}"])
        milli = pool.unit == api.RESOURCE_UNIT_MILLI_GPU
        yield api.Companion(resource=pool.name, units=accelerators * MILLI if milli else accelerators)
    if row.text("operator") in OPERATED:
        yield api.Companion(
            resource=f"resources/{row.text('operator_pool')}",
            units=row.number("operators_needed"),
            edges=row.text("operator_mode") == "start_end",
            optional=row.text("operator") == "optional",
        )
