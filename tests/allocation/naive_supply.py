"""When nodes arrive and retire, told simply. It shares no code with what it checks."""

from collections.abc import Iterable, Iterator

from services.allocation.resources import Resource
from tests.allocation.naive_booking import NEVER, Out


def away(resources: Iterable[Resource]) -> Iterator[Out]:
    """When nodes are not there yet, or no longer."""
    for resource in resources:
        for number, node in enumerate(resource.nodes):
            if node.valid_from:
                yield Out("arrival", 0, node.valid_from, {resource.id: {number}})
            if node.valid_until:
                yield Out("retirement", node.valid_until, NEVER, {resource.id: {number}})
