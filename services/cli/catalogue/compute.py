"""Compute pools: the rows of `nodes.csv`, by pool, under the pool's rules of `centre.yaml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.cli.catalogue.calendar import Calendar
from services.cli.catalogue.tables import CatalogueError, Row, Rules, hours, minutes, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

MILLI = 1000
UNITS = {
    "gpu": api.RESOURCE_UNIT_GPU,
    "milli-gpu": api.RESOURCE_UNIT_MILLI_GPU,
    "core": api.RESOURCE_UNIT_CORE,
}
NODE_COLUMNS = ("node_id", "pool", "gpus", "rack", "zone", "fabric_group")
POOL_KEYS = ("id", "nodes", "gpus", "unit", "min_request", "step", "min_request_milli", "step_milli", "basis")
SLOT_KEYS = ("reservation_min_slots", "extend_window_hours", "extend_max_days", "batch_max_walltime_hours")


def read_pools(path: Path, rules: Rules, calendar: Calendar) -> list[api.Resource]:
    """Read every pool of `centre.yaml` with its nodes."""
    rows_by_pool: dict[str, list[Row]] = {str(entry["id"]): [] for entry in rules.at("pools")}
    for row in read_rows(path):
        row.read("pool", lambda pool: rows_by_pool[pool]).append(row)
    return [read_pool(rules.entry("pools", pool), rows, rules, calendar) for pool, rows in rows_by_pool.items()]


def read_pool(pool: dict[str, Any], rows: list[Row], rules: Rules, calendar: Calendar) -> api.Resource:
    """One pool of identical nodes."""
    if len(rows) != pool["nodes"]:
        raise CatalogueError(f"{pool['id']}: {pool['nodes']} nodes are announced, {len(rows)} are listed")
    bins, capacity = node_shape(pool, rows)
    return api.Resource(
        name=f"resources/{pool['id']}",
        display_name=f"{pool['id']} ({len(rows)} nodes)",
        kind=api.RESOURCE_KIND_COMPUTE,
        unit=UNITS[pool["unit"]],
        nodes=[read_node(row) for row in rows],
        bins_per_node=bins,
        bin_capacity=capacity,
        units_min=int(pool.get("min_request_milli", pool.get("min_request", 1))),
        units_step=int(pool.get("step_milli", pool.get("step", 1))),
        slot=minutes(rules.at("compute_slots", "slot_minutes")),
        time_zone=rules.time_zone,
        closures=calendar.closures({(row.text("hall"), row.text("zone")) for row in rows}),
        data_zone="open",
        in_service=True,
        approval="auto",
        **(batch_limits(rules) if pool.get("batch") else {}),
        attributes=pool_attributes(pool, rows, rules),
    )


def batch_limits(rules: Rules) -> dict[str, Any]:
    """What a pool of batch work limits beyond a company's own terms: the longest walltime, and what one may have."""
    slots = rules.at("compute_slots")
    walltimes = slots["batch_max_walltime_hours"]
    return {
        "slots_max": walltimes["long"] * 60 // slots["slot_minutes"],
        "batch": api.BatchLimits(
            reservations_max=slots["max_jobs_per_company"],
            long=hours(walltimes["default"]),
            long_at_once_max=slots["max_concurrent_long_per_company"],
        ),
    }


def node_shape(pool: dict[str, Any], rows: list[Row]) -> tuple[int, int]:
    """Bins in a node and units in a bin: accelerators where there are any, else the node's cores."""
    shapes = {(row.number("gpus"), row.number("cpu_milli")) for row in rows}
    if len(shapes) != 1:
        raise CatalogueError(f"{pool['id']}: the nodes of a pool must be alike")
    accelerators, cpu_milli = shapes.pop()
    match pool["unit"]:
        case "gpu":
            return accelerators, 1
        case "milli-gpu":
            return accelerators, MILLI
        case "core":
            return 1, cpu_milli // MILLI
        case unit:
            raise CatalogueError(f"{pool['id']}: unknown unit {unit!r}")


def read_node(row: Row) -> api.Node:
    """One server, and where it stands."""
    return api.Node(
        id=row.text("node_id"),
        rack=row.text("rack"),
        zone=row.text("zone"),
        fabric_group=row.text("fabric_group"),
    )


def pool_attributes(pool: dict[str, Any], rows: list[Row], rules: Rules) -> dict[str, str]:
    """What the catalogue tells of a pool beyond the API's own fields."""
    slots = rules.at("compute_slots")
    priced = "core" if pool["unit"] == "core" else "gpu"
    return {
        **{column: summary(column, rows) for column in rows[0].cells if column not in NODE_COLUMNS},
        **plain({key: value for key, value in pool.items() if key not in POOL_KEYS}),
        **plain({key: slots[key] for key in SLOT_KEYS}),
        f"list_price_krw_per_{priced}_hour": str(rules.at("charging", "list_price_krw", pool["id"])),
    }


def summary(column: str, rows: list[Row]) -> str:
    """The one value that all nodes share, the few they have, or that each has its own."""
    values = sorted({row.text(column) for row in rows})
    return "one per node" if len(values) == len(rows) > 1 else ", ".join(values)


def plain(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as text; a nested table becomes `key=value` pairs."""
    return {key: flat(value) for key, value in values.items()}


def flat(value: Any) -> str:
    """One value as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key}={flat(inner)}" for key, inner in value.items())
    return str(value)
