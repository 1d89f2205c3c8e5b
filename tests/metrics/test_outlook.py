"""What lies ahead, against a model that asks every unit in every hour, and at the edges that the model leaves out."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocation.reservations import Allocation
from services.allocation.resources import Closure, Kind, Node, Resource, Unit
from services.metrics.outlook import HORIZONS, Change, Shape, look_ahead
from tests.metrics.synthetic import HOUR_SECONDS, START
from tests.metrics.test_figures import closed_pool, simulator

HOURS = 24 * 30


def small_pool(*closures: Closure) -> Resource:
    """Three nodes of two GPUs in two racks, booked by the hour."""
    racks = ("left", "left", "right")
    return Resource(
        id="small",
        kind=Kind.COMPUTE,
        unit=Unit.GPU,
        nodes=tuple(Node(id=f"n{number}", rack=rack, zone=rack) for number, rack in enumerate(racks)),
        slot_minutes=60,
        time_zone="Asia/Seoul",
        bins_per_node=2,
        closures=closures,
    )


@st.composite
def holds(draw: st.DrawFn) -> list[Allocation]:
    """Stretches of single GPUs that never overlap, some before now and some past the horizon."""
    made = []
    for gpu in range(6):
        hours = sorted(draw(st.sets(st.integers(-3, HOURS + 3), max_size=6)))
        for start, end in zip(hours[::2], hours[1::2], strict=False):
            made.append(hold(gpu, start, end))
    return made


def hold(gpu: int, start: int, end: int) -> Allocation:
    """One GPU between two hours from now."""
    spans = ((START + start * HOUR_SECONDS, START + end * HOUR_SECONDS),)
    return Allocation(resource="small", units=1, spans=spans, bins=(gpu,), amounts=(1,))


class Model:
    """Which GPU is busy in which hour, asked one by one."""

    def __init__(self, allocations: list[Allocation]) -> None:
        self.busy = {
            (gpu, hour)
            for allocation in allocations
            for gpu in allocation.bins
            for start, end in allocation.spans
            for hour in range((start - START) // HOUR_SECONDS, (end - START) // HOUR_SECONDS)
        }

    def committed(self, hours: int) -> float:
        """Busy of all GPU-hours until then."""
        return sum((gpu, hour) in self.busy for gpu, hour in product(range(6), range(hours))) / (6 * hours)

    def first(self, *wanted: tuple[int, ...]) -> int | None:
        """The first hour from which any of these sets of GPUs is free for a day."""
        taken = {gpu: sorted(hour for of, hour in self.busy if of == gpu) for gpu in range(6)}
        for start in range(HOURS - 23):
            clear = {gpu for gpu in range(6) if not any(start <= hour < start + 24 for hour in taken[gpu])}
            if any(clear.issuperset(gpus) for gpus in wanted):
                return start
        return None


@given(holds())
def test_outlook_equals_the_model(allocations: list[Allocation]) -> None:
    """Committed shares and earliest starts are those of a model that counts GPU by GPU and hour by hour."""
    outlook, model = look_ahead(small_pool(), allocations, START), Model(allocations)
    for name, seconds in HORIZONS.items():
        assert outlook.committed[name] == pytest.approx(model.committed(seconds // HOUR_SECONDS))
    wanted = {
        Shape.SMALL: [(gpu,) for gpu in range(6)],
        Shape.MEDIUM: [(0, 1), (2, 3), (4, 5)],
        Shape.WHOLE: [tuple(range(6))],
    }
    for shape, gpus in wanted.items():
        first = model.first(*gpus)
        assert outlook.next_fit.get(shape) == (None if first is None else START + first * HOUR_SECONDS)


@given(holds())
def test_largest_block_stands_in_one_rack(allocations: list[Allocation]) -> None:
    """The largest block is the most that is free in one rack within this hour."""
    busy = Model(allocations).busy
    free = [gpu for gpu in range(6) if (gpu, 0) not in busy]
    blocks = sum(gpu < 4 for gpu in free), sum(gpu >= 4 for gpu in free)
    assert look_ahead(small_pool(), allocations, START).largest_block == max(blocks)


def test_closed_units_are_no_part_of_the_whole() -> None:
    """A share is of what can be booked: with two of three nodes closed, two GPUs booked are all of it."""
    closure = Closure(start=START, end=START + 24 * HOUR_SECONDS, zone="left")
    outlook = look_ahead(small_pool(closure), [hold(4, 0, 24), hold(5, 0, 24)], START)
    assert outlook.committed["24h"] == 1
    assert outlook.largest_block == 0
    assert outlook.next_fit == dict.fromkeys(Shape, START + 24 * HOUR_SECONDS)


def test_nothing_starts_in_the_past() -> None:
    """Within an hour, the next start is that of the next slot, while the hour still counts as booked or not."""
    outlook = look_ahead(small_pool(), [hold(0, 0, 1)], START + 60)
    assert outlook.next_fit[Shape.SMALL] == START + HOUR_SECONDS
    assert outlook.committed["1h"] == pytest.approx(1 / 6)


def test_equipment_fits_within_its_hours() -> None:
    """A simulator that closes at six is next free at nine, and its closed hour has no share."""
    evening = START + 9 * HOUR_SECONDS  # START is 09:00 in Seoul.
    outlook = look_ahead(simulator(), [], evening)
    assert outlook.next_fit == dict.fromkeys(Shape, START + 24 * HOUR_SECONDS)
    assert "1h" not in outlook.committed
    assert outlook.committed["24h"] == 0
    assert outlook.largest_block is None


def test_what_is_out_of_service_or_full_has_no_fit() -> None:
    """Absent is what cannot be: no fit within thirty days, no share of nothing."""
    outlook = look_ahead(simulator(in_service=False), [], START)
    assert (outlook.committed, outlook.next_fit) == ({}, {})
    shut = closed_pool(Closure(start=START, end=START + 40 * 24 * HOUR_SECONDS))
    assert look_ahead(shut, [], START)[:3] == ({}, {}, 0)


def test_what_starts_and_ends_within_the_hour_is_told() -> None:
    """An edge counts once it lies ahead and until an hour away; a break in between is no edge."""
    broken = Allocation(
        resource="small",
        units=2,
        spans=((START - HOUR_SECONDS, START + 600), (START + 1200, START + 9 * HOUR_SECONDS)),
        bins=(4, 5),
        amounts=(1, 1),
    )
    outlook = look_ahead(small_pool(), [hold(0, -1, 0), hold(1, 0, 1), hold(2, 1, 2), hold(3, 2, 3), broken], START)
    assert outlook.due == {Change.STARTING: 1, Change.ENDING: 1}
