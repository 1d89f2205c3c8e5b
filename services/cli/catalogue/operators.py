"""Operator pools: staff who run the equipment, one booking each at a time, by shift."""

from pathlib import Path

from services.cli.catalogue.calendar import Calendar
from services.cli.catalogue.tables import Row, Rules, minutes, opening_hours, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SLOT_MINUTES = 30
"""Fine enough that every slot of the equipment that they serve falls on it."""

COLUMNS = ("operator_pool", "headcount", "shift")


def read_operators(path: Path, rules: Rules, calendar: Calendar) -> list[api.Resource]:
    """Read `operators.csv`."""
    return [read_pool(row, rules, calendar) for row in read_rows(path)]


def read_pool(row: Row, rules: Rules, calendar: Calendar) -> api.Resource:
    """One pool of people who work the same shift."""
    pool = row.text("operator_pool")
    return api.Resource(
        name=f"resources/{pool}",
        display_name=f"Operators {pool.removeprefix('OP-')}",
        kind=api.RESOURCE_KIND_OPERATORS,
        unit=api.RESOURCE_UNIT_OPERATOR,
        nodes=[api.Node(id=f"{pool}-{head}") for head in range(1, row.number("headcount") + 1)],
        bins_per_node=1,
        bin_capacity=1,
        units_min=1,
        units_step=1,
        slot=minutes(SLOT_MINUTES),
        time_zone=rules.time_zone,
        opening_hours=row.read("shift", read_shift),
        closed_days=calendar.holidays,
        data_zone="open",
        in_service=True,
        approval="auto",
        attributes={"shift": row.text("shift"), **row.others(COLUMNS)},
    )


def read_shift(text: str) -> api.OpeningHours | None:
    """The timetable of `mon-fri 09:00-18:00`."""
    open_days, times = text.split(" ")
    opens, closes = times.split("-")
    return opening_hours(open_days, opens, closes)
