"""What may be asked of the small centre: mostly what has a chance, now and then anything."""

from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation.reservations import Colocation, Line
from services.allocation.resources import Resource
from services.allocation.values.outage import Scope
from services.allocation.values.people import Participants
from tests.allocation.fixture import NOW
from tests.allocation.machine.small_centre import RESOURCES, SIZES
from tests.allocation.naive_booking import CELL
from tests.allocation.scenario import DAY, HOUR, at

OUTAGES = 4
"""At most so many in one example, so that something is left to book."""

Wish = tuple[tuple[Line, ...], int, int]


def sized(name: str, size: int) -> int:
    """Units of a resource, from small to more than there is."""
    return SIZES[name][min(size, len(SIZES[name])) - 1] if name in SIZES else size


def class_of(people: int) -> Participants | None:
    """A class of so many; none for nobody."""
    return Participants(count=people) if people else None


def operated(lines: tuple[Line, ...], start: int, length: int) -> Wish:
    """The same wish, with operators along."""
    return tuple(replace(line, with_operator=True) for line in lines), start, length


def staggered(names: str, units: int, after: float, before: float) -> tuple[Line, ...]:
    """The first line for all of the time, the others from some hours later until some hours earlier."""
    first, *others = names.split()
    return (
        Line(resource=first, units=sized(first, units)),
        *(
            Line(
                resource=name,
                units=sized(name, units),
                starts_after=int(after * HOUR),
                ends_before=int(before * HOUR),
            )
            for name in others
        ),
    )


def phased(names: str, starts: list[float], lengths: list[float]) -> st.SearchStrategy[Wish]:
    """Wishes of which some lines begin later or end earlier."""
    return st.builds(
        lambda units, day, hour, length, after, before: (
            staggered(names, units, after, before),
            at("2026-03-02 00:00") + day * DAY + int(hour * HOUR),
            int(length * HOUR),
        ),
        st.integers(1, 3),
        st.integers(0, 3),
        st.sampled_from(starts),
        st.sampled_from(lengths),
        st.sampled_from([0, 0.5, 1, 2]),
        st.sampled_from([0, 0, 1]),
    )


def sensible(names: str, starts: list[float], lengths: list[float], most: int) -> st.SearchStrategy[Wish]:
    """Wishes that have a chance: so many units of some resources, on a day soon, from an hour for some hours."""
    return st.builds(
        lambda units, near, day, hour, length: (
            tuple(
                Line(
                    resource=name,
                    units=sized(name, units),
                    colocation=near if name == "gpus" else Colocation.ANYWHERE,
                )
                for name in names.split()
            ),
            at("2026-03-02 00:00") + day * DAY + int(hour * HOUR),
            int(length * HOUR),
        ),
        st.integers(1, most),
        st.sampled_from([Colocation.ANYWHERE, Colocation.ANYWHERE, Colocation.RACK]),
        st.integers(0, 3),
        st.sampled_from(starts),
        st.sampled_from(lengths),
    )


DAY_HOURS = [hour / 2 for hour in range(18, 36)]
wild = st.tuples(
    st.lists(
        st.builds(
            lambda name, units: Line(resource=name, units=sized(name, units)),
            st.sampled_from([each.id for each in RESOURCES]),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda line: line.resource,
    ).map(tuple),
    st.integers(-2, 10 * 48).map(lambda number: NOW + number * CELL),
    st.sampled_from([1, 2, 8, 18, 50, 66, 400]).map(lambda number: number * CELL),
)
crowds = st.sampled_from([1, 1, 2, 2, 3, 8])
"""How many people a class has: room for them is rarer the more they are."""
bookers = st.sampled_from(["RICH", "RICH", "RICH", "POOR", "POOR", "NONE"])
plain_wishes = st.one_of(
    sensible("nodes", [*range(8, 24, 2)], [1, 2, 5, 12, 30], 2),
    sensible("nodes", [*range(8, 24, 2)], [1, 2, 5, 12, 30], 1),
    sensible("gpus", [*range(8, 24, 2)], [1, 2, 6, 24], 9),
    sensible("seats", DAY_HOURS, [0.5, 1, 2.5, 20], 2),
    sensible("fast", DAY_HOURS, [0.5, 1, 2], 1),
    sensible("slow", [*range(9, 18)], [1, 2, 24], 1).map(lambda wish: operated(*wish)),
    sensible("slow", [*range(9, 18)], [1, 2, 24], 1),
    sensible("staff", DAY_HOURS, [0.5, 2, 4], 2),
    *(sensible(names, [9, 14], [4, 9, 23, 28], 8) for names in ("rig", "rig", "rig gpus", "rig seats", "rig staff")),
    sensible("seats gpus rig", [9, 14], [4, 9], 3),
    sensible("nodes seats", [*range(9, 18)], [1, 3], 2),
    sensible("slow seats", [*range(9, 16)], [1, 3], 1),
    sensible("lab", [*range(9, 18)], [1, 2, 5], 2),
    sensible("pair", [*range(9, 15)], [1, 2, 3], 2),
    wild,
)
phased_wishes = st.one_of(
    phased("seats nodes", [*range(9, 18)], [4, 6]),
    phased("lab seats gpus", [*range(9, 16)], [4, 6]),
    phased("nodes slow", [*range(8, 15)], [4, 6]),
)
wishes = st.integers(0, 3).flatmap(lambda number: plain_wishes if number else phased_wishes)


def scopes(resource: Resource) -> st.SearchStrategy[Scope]:
    """All of a resource, some of its nodes, or a number of them."""
    names = [node.id for node in resource.nodes]
    return st.one_of(
        st.just(Scope(resource=resource.id)),
        st.sets(st.sampled_from(names), min_size=1, max_size=2).map(
            lambda some: Scope(resource=resource.id, nodes=tuple(sorted(some)))
        ),
        st.integers(1, len(names)).map(lambda count: Scope(resource=resource.id, count=count)),
    )


EDGES = [
    *((0.0, hours) for hours in (-2, -1, -0.5, 0, 0.5, 1, 2, 4, 9, 24, 190)),
    *((hours, hours) for hours in (-24, -4, -1, -0.5, 0.5, 1, 3, 24, 48, 190)),
    *((-1.0, 0.0), (1.0, 0.0), (-4.0, 4.0), (24.0, -24.0)),
]
"""How many hours later a reservation shall start and end."""

anew = st.sampled_from([False] * 5 + [True]).flatmap(lambda other: wishes if other else st.none())
"""Now and then another wish altogether."""

phases = st.sampled_from([None] * 4 + [(0, 0), (0.5, 0), (1, 0), (0, 1), (1, 1), (2, 1)])
"""By how many hours the lines after the first begin later and end earlier than the demand."""
