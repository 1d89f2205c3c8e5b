"""Demands, as people write them."""

import pytest

from services.cli.demands import parse_line, parse_shape, resource_id, show_units
from services.cli.times import Unreadable
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

RIG = api.Resource(name="resources/M01", unit=api.RESOURCE_UNIT_SEAT, units_min=1)
TRAINING = api.Resource(name="resources/h100-train", unit=api.RESOURCE_UNIT_GPU, units_min=8)
SHARED = api.Resource(name="resources/a100-dev", unit=api.RESOURCE_UNIT_MILLI_GPU, units_min=125)


@pytest.mark.parametrize(
    ("text", "resource", "units"),
    [
        ("M01", RIG, 1),
        ("resources/M01:2", RIG, 2),
        ("M01:2seats", RIG, 2),
        ("h100-train", TRAINING, 8),
        ("h100-train:16gpu", TRAINING, 16),
        ("a100-dev:250", SHARED, 250),
        ("a100-dev:2gpu", SHARED, 2000),
        ("a100-dev:0.5gpu", SHARED, 500),
        ("a100-dev:500m", SHARED, 500),
    ],
)
def test_a_line_is_read_in_the_resources_unit(text: str, resource: api.Resource, units: int) -> None:
    """Without an amount a line asks for the least; GPUs of a shared pool are thousands of milli-GPUs."""
    assert parse_line(text, resource) == api.Line(resource=resource.name, units=units)


@pytest.mark.parametrize(("text", "resource"), [("M01:0.5", RIG), ("M01:2gpu", RIG), ("a100-dev:0.0001gpu", SHARED)])
def test_half_a_unit_and_a_foreign_unit_are_refused(text: str, resource: api.Resource) -> None:
    """A resource counts in whole units of its own."""
    with pytest.raises(Unreadable, match="counts in"):
        parse_line(text, resource)


def test_two_thousandths_of_a_gpu_are_a_slip() -> None:
    """Whoever writes 2 of what counts in thousandths is told how to write two GPUs; they are never booked the least."""
    with pytest.raises(Unreadable, match=r"2 thousandths of a GPU: write a100-dev:2gpu"):
        parse_line("a100-dev:2", SHARED)


@pytest.mark.parametrize("text", ["", "M01:", ":3", "M 01", "M01:-1", "M01:1:2", "-x"])
def test_what_is_no_line_is_refused(text: str) -> None:
    """Nonsense is answered with the way to write it."""
    with pytest.raises(Unreadable, match="write RESOURCE"):
        resource_id(text)


def test_a_shape_is_asked_for_only_if_there_is_one() -> None:
    """Anywhere is the absence of a shape."""
    assert parse_shape(0, "anywhere") is None
    assert parse_shape(8, "rack") == api.Shape(units_per_node=8, colocation=api.COLOCATION_RACK)
    with pytest.raises(Unreadable, match="fabric-group"):
        parse_shape(0, "near")


def test_milli_gpus_are_shown_as_gpus() -> None:
    """People think in GPUs."""
    assert show_units(8000, api.RESOURCE_UNIT_MILLI_GPU) == "8 GPUs"
    assert show_units(125, api.RESOURCE_UNIT_MILLI_GPU) == "0.125 GPU"
    assert show_units(1, api.RESOURCE_UNIT_SEAT) == "1 seat"
    assert show_units(16, api.RESOURCE_UNIT_GPU) == "16 GPUs"


def test_a_line_may_begin_later_and_end_earlier() -> None:
    """`@30m/1h` is half an hour later and an hour shorter; without it the line is for all of the time."""
    line = parse_line("a100-dev:2gpu@30m/1h", SHARED)
    assert (line.units, line.starts_after.seconds, line.ends_before.seconds) == (2000, 1800, 3600)
    assert parse_line("a100-dev@0m/1h", SHARED).ends_before.seconds == 3600
    assert not parse_line("a100-dev", SHARED).HasField("starts_after")
    assert parse_line("a100-dev:1gpu+operator@30m", SHARED).with_operator
    assert not parse_line("a100-dev", SHARED).with_operator
    with pytest.raises(Unreadable):
        parse_line("a100-dev@soon", SHARED)
