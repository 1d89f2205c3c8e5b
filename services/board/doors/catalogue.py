"""What can be booked: the public catalogue, kept for a while, and how its amounts are said."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from services.board.doors.calls import Caller
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

KEPT_SECONDS = 30.0
PAGE_SIZE = 500
PAGES_MAX = 20
MILLI = 1000
HOUR_SECONDS = 3600
ZONE_DEFAULT = "UTC"
UNIT_KEYS = {
    api.RESOURCE_UNIT_NODE: "unit_node",
    api.RESOURCE_UNIT_GPU: "unit_gpu",
    api.RESOURCE_UNIT_MILLI_GPU: "unit_gpu",
    api.RESOURCE_UNIT_CORE: "unit_core",
    api.RESOURCE_UNIT_SEAT: "unit_seat",
    api.RESOURCE_UNIT_OPERATOR: "unit_operator",
}
KINDS = {
    "compute": api.RESOURCE_KIND_COMPUTE,
    "equipment": api.RESOURCE_KIND_EQUIPMENT,
    "operators": api.RESOURCE_KIND_OPERATORS,
}


@dataclass(frozen=True)
class Catalogue:
    """Every resource by its plain id, in the order of their kind and name, and the centre's zone."""

    resources: Mapping[str, api.Resource]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of opening hours and closed days: the centre's own."""
        first = next(iter(self.resources.values()), None)
        return ZoneInfo(first.time_zone if first is not None and first.time_zone else ZONE_DEFAULT)

    def of_kind(self, kind: str) -> list[api.Resource]:
        """Those of a kind; all of them for any other word."""
        return [each for each in self.resources.values() if KINDS.get(kind, each.kind) == each.kind]

    def __contains__(self, resource_id: str) -> bool:
        return resource_id in self.resources

    def __getitem__(self, name: str) -> api.Resource:
        """A resource by its name or id; an empty one for what was never heard of."""
        return self.resources.get(plain(name), api.Resource(name=name))


class CatalogueCache:
    """The catalogue is the same for everybody, so it is asked for once in a while by whoever looks then."""

    def __init__(self) -> None:
        self._kept = Catalogue({})
        self._until = 0.0
        self._asking = asyncio.Lock()

    async def get(self, caller: Caller) -> tuple[Catalogue, datetime]:
        """The catalogue, and the centre's time. Raises what `answers` names: a kept catalogue lets nobody in."""
        first = await caller.ask(caller.scheduler.ListResources, api.ListResourcesRequest(page_size=1))
        async with self._asking:
            if time.monotonic() >= self._until or not self._kept.resources:
                self._kept = Catalogue({plain(each.name): each for each in sorted(await _every(caller), key=_order)})
                self._until = time.monotonic() + KEPT_SECONDS
        return self._kept, first.time.ToDatetime(tzinfo=UTC)


async def _every(caller: Caller) -> list[api.Resource]:
    found: list[api.Resource] = []
    token = ""
    for _ in range(PAGES_MAX):
        request = api.ListResourcesRequest(page_size=PAGE_SIZE, page_token=token)
        page = await caller.ask(caller.scheduler.ListResources, request)
        found += page.resources
        token = page.next_page_token
        if not token:
            break
    return found


def _order(resource: api.Resource) -> tuple[int, str]:
    return resource.kind, resource.name


def plain(name: str) -> str:
    """The last id of a resource name: `M01` of `resources/M01`."""
    return name.rpartition("/")[2]


def figure(resource: api.Resource, units: int) -> str:
    """Units as people count them: milli-GPUs as GPUs."""
    if resource.unit != api.RESOURCE_UNIT_MILLI_GPU:
        return f"{units:,}"
    gpus = Decimal(units) / MILLI
    return f"{gpus:,f}" if gpus % 1 else f"{int(gpus):,}"


def hours_figure(resource: api.Resource, unit_seconds: int) -> str:
    """Unit-seconds as unit-hours, milli-GPUs as GPUs, with no more digits than matter."""
    hours = unit_hours(resource, unit_seconds)
    return f"{hours:,.0f}" if abs(hours) >= 100 or not hours % 1 else f"{hours:,.1f}"


def unit_hours(resource: api.Resource, unit_seconds: int) -> float:
    """Unit-seconds as unit-hours, milli-GPUs as GPUs."""
    scale = MILLI if resource.unit == api.RESOURCE_UNIT_MILLI_GPU else 1
    return unit_seconds / scale / HOUR_SECONDS


def units_of(resource: api.Resource, text: str) -> int:
    """The amount that somebody wrote, in the resource's own unit. Raises ValueError."""
    try:
        amount = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        raise ValueError(text) from None
    if resource.unit == api.RESOURCE_UNIT_MILLI_GPU:
        amount *= MILLI
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 < amount < 10**12:
        raise ValueError(text)
    return int(amount)


def unit_key(resource: api.Resource) -> str:
    """The message that names what a resource counts."""
    return UNIT_KEYS.get(resource.unit, "unit_unit")


def sizes(resource: api.Resource) -> Iterator[int]:
    """Reference amounts: the least that can be booked, one server, four of them, half of all; no amount twice."""
    node = resource.bins_per_node * resource.bin_capacity
    half = resource.capacity_units // 2
    step = max(1, resource.units_step)
    wanted = (resource.units_min or 1, node, 4 * node, half - half % step)
    yield from sorted({units for units in wanted if 0 < units <= resource.capacity_units})
