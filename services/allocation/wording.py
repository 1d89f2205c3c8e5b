"""How lengths of time and amounts are said to people. Pure.

What programs read stays in seconds and in the resource's own units; this is for sentences alone.
"""

from services.allocation.measures import MILLI
from services.allocation.resources import Unit

LENGTHS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def spelled(seconds: int) -> str:
    """`2 days 4 hours`, `1 hour`, `45 minutes`; parts of a minute are left out, and less than one is `0 minutes`."""
    parts = []
    for name, length in LENGTHS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 minutes"


def figure(units: int, unit: Unit | None) -> str:
    """`1,200`; of thousandths of a GPU `2.5` for 2,500. None is a unit that is not known."""
    if unit is not Unit.MILLI_GPU:
        return f"{units:,}"
    whole, rest = divmod(units, MILLI)
    return f"{whole:,}.{rest:03}".rstrip("0") if rest else f"{whole:,}"


def counted(units: int, unit: Unit | None) -> str:
    """`1 node`, `16 GPUs`, `2.5 GPUs` for 2,500 thousandths, `1 GPU` for 1,000."""
    many = unit.plural if unit is not None else "units"
    return f"{figure(units, unit)} {many.removesuffix('s') if figure(units, unit) == '1' else many}"


def unit_hours(unit_seconds: int, unit: Unit | None) -> str:
    """`12.5` for 45,000 unit-seconds, whatever the unit; thousandths of a GPU as parts of one."""
    return f"{unit_seconds / 3600 / (MILLI if unit is Unit.MILLI_GPU else 1):,.1f}"
