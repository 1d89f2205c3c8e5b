"""A demand as people write it: `M01`, `h100-train:16`, `a100-dev:2gpu`, `a100-dev:2gpu@30m` for half an hour later, and
`M04+operator` for somebody of the centre who runs it."""

import re
from collections.abc import Iterable
from decimal import Decimal
from difflib import get_close_matches

from services.cli.times import Unreadable, parse_duration, to_duration
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

LINE = re.compile(
    r"(?P<id>[A-Za-z0-9][A-Za-z0-9-]{0,62})(:(?P<amount>\d+(\.\d+)?)(?P<suffix>[a-z]*))?"
    r"(?P<operator>\+operator)?"
    r"(@(?P<after>[0-9a-z]+)(/(?P<before>[0-9a-z]+))?)?"
)
MILLI = 1000
MILLI_SUFFIX = "gpu"
COLOCATIONS = {
    "anywhere": api.COLOCATION_UNSPECIFIED,
    "node": api.COLOCATION_NODE,
    "rack": api.COLOCATION_RACK,
    "fabric-group": api.COLOCATION_FABRIC_GROUP,
}
UNIT_NAMES = {
    api.RESOURCE_UNIT_NODE: "node",
    api.RESOURCE_UNIT_GPU: "GPU",
    api.RESOURCE_UNIT_MILLI_GPU: "milli-GPU",
    api.RESOURCE_UNIT_CORE: "core",
    api.RESOURCE_UNIT_SEAT: "seat",
    api.RESOURCE_UNIT_OPERATOR: "operator",
}
SUFFIXES = {
    api.RESOURCE_UNIT_NODE: ("node", "nodes"),
    api.RESOURCE_UNIT_GPU: ("gpu", "gpus"),
    api.RESOURCE_UNIT_MILLI_GPU: ("milli", "m"),
    api.RESOURCE_UNIT_CORE: ("core", "cores"),
    api.RESOURCE_UNIT_SEAT: ("seat", "seats"),
    api.RESOURCE_UNIT_OPERATOR: ("operator", "operators"),
}


def resource_id(text: str) -> str:
    """The id in `M01`, `M01:2` or `resources/M01:2`."""
    return split(text)["id"] or ""


def unknown_resource(name: str, known: Iterable[str]) -> str:
    """What is said of a resource that there is not: the ones that may have been meant, and where all are listed."""
    near = " or ".join(get_close_matches(name, list(known), n=2))
    return f"unknown resource {name}{f', did you mean {near}?' if near else ':'} `aidc resources` lists them"


def split(text: str) -> dict[str, str | None]:
    """The parts of a written line."""
    found = LINE.fullmatch(text.strip().removeprefix("resources/"))
    if found is None:
        raise Unreadable(
            f"cannot read {text!r}: write RESOURCE[:UNITS][+operator][@LATER[/SHORTER]], such as a100-dev:2gpu@30m"
        )
    return found.groupdict()


def parse_line(text: str, resource: api.Resource, shape: api.Shape | None = None) -> api.Line:
    """Read one line of a demand on this resource; without an amount it asks for the least."""
    parts = split(text)
    units = resource.units_min or 1
    if parts["amount"] is not None:
        units = whole_units(Decimal(parts["amount"]), parts["suffix"] or "", resource, text)
    after, before = parts["after"], parts["before"]
    return api.Line(
        resource=resource.name,
        units=units,
        shape=shape,
        starts_after=to_duration(parse_duration(after)) if after and after.strip("0hmd") else None,
        ends_before=to_duration(parse_duration(before)) if before else None,
        with_operator=parts["operator"] is not None,
    )


def whole_units(amount: Decimal, suffix: str, resource: api.Resource, text: str) -> int:
    """The amount in the resource's own unit. A bare `2` of shared GPUs, which count in thousandths, is a slip."""
    if resource.unit == api.RESOURCE_UNIT_MILLI_GPU and not suffix and amount < resource.units_min:
        raise Unreadable(f"{text!r} is {amount} thousandths of a GPU: write {resource_id(text)}:{amount}gpu for GPUs")
    if resource.unit == api.RESOURCE_UNIT_MILLI_GPU and suffix in (MILLI_SUFFIX, f"{MILLI_SUFFIX}s"):
        amount *= MILLI
    elif suffix and suffix not in SUFFIXES.get(resource.unit, ()):
        raise Unreadable(f"{text!r}: {resource.name} counts in units of one {UNIT_NAMES[resource.unit]}")
    if amount != amount.to_integral_value():
        raise Unreadable(f"{text!r}: {resource.name} counts in whole units of one {UNIT_NAMES[resource.unit]}")
    return int(amount)


def parse_shape(units_per_node: int, together: str) -> api.Shape | None:
    """How the units of a line are to be placed, or None for anywhere."""
    if together not in COLOCATIONS:
        raise Unreadable(f"cannot place units {together!r}: write {', '.join(COLOCATIONS)}")
    if not units_per_node and together == "anywhere":
        return None
    return api.Shape(units_per_node=units_per_node, colocation=COLOCATIONS[together])


def hour_unit(unit: "api.ResourceUnit.ValueType | None") -> str:
    """`GPU-hours`, of milli-GPUs as well; `unit-hours` where many things count alike."""
    name = "GPU" if unit == api.RESOURCE_UNIT_MILLI_GPU else UNIT_NAMES.get(unit, "unit") if unit else "unit"
    return f"{name}-hours"


def show_units(units: int, unit: api.ResourceUnit.ValueType) -> str:
    """`2 seats`, `16 GPUs`; milli-GPUs as GPUs."""
    if unit == api.RESOURCE_UNIT_MILLI_GPU:
        return f"{Decimal(units) / MILLI:f} GPU" + ("" if 0 < units <= MILLI else "s")
    name = UNIT_NAMES.get(unit, "unit")
    return f"{units} {name}" if units == 1 else f"{units} {name}s"
