"""What there is to hold, and what reservations hold of it: calendars, exclusive groups, quota, and batch work."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager

from services.allocation.calendars.group import Group
from services.allocation.calendars.pool import Pool
from services.allocation.companies import Quota
from services.allocation.reservations import Allocation, Reservation
from services.allocation.resources import Resource
from services.allocation.tables.meter import EQUIPMENT_CELL_SECONDS, Meter

MeterKey = tuple[str, str]
"""The company and the name of the meter."""


class Holdings:
    """Keeps the centre's grids, puts into them what reservations hold, and takes it out again."""

    def __init__(
        self,
        pools: MutableMapping[str, Pool],
        groups: MutableMapping[str, Group],
        meters: MutableMapping[MeterKey, Meter],
        reservations: Mapping[str, Reservation],
    ) -> None:
        self._pools = pools
        self._groups = groups
        self._meters = meters
        self._reservations = reservations

    def register(self, resource: Resource, base: int) -> None:
        """Draw a calendar for a resource, from `base` on, in seconds."""
        self._pools[resource.id] = Pool(resource, base)
        group = resource.exclusive_group
        if group and group not in self._groups:
            self._groups[group] = Group(base)
        if group:
            self._groups[group].join(resource.id, resource.changeover_minutes * 60)

    def grant(self, quota: Quota, base: int) -> None:
        """Put a quota on its company's meter."""
        key = (quota.company, quota.meter)
        if key not in self._meters:
            pool = self._pools.get(quota.meter)
            cell = pool.calendar.cell_seconds if pool else EQUIPMENT_CELL_SECONDS
            self._meters[key] = Meter(cell_seconds=cell, base=base, unit=pool.resource.unit if pool else None)
        self._meters[key].grant(quota)

    def slide(self, base: int) -> None:
        """Move the range of every grid forward."""
        for pool in self._pools.values():
            pool.slide(base)
        for group in self._groups.values():
            group.holders.slide(base)
        for meter in self._meters.values():
            meter.slide(base)

    def hold(self, reservation: Reservation, sign: int = 1) -> None:
        """Put in what a reservation holds, or with `sign` -1 take it out."""
        for allocation in reservation.occupied:
            pool = self._pools[allocation.resource]
            pool.hold(allocation, sign)
            if pool.resource.batch is not None and not allocation.companion_of:
                pool.work.note(reservation, sign)
            if allocation.meter:
                self._meters[(reservation.company, allocation.meter)].charge(allocation, sign)
            if pool.resource.exclusive_group:
                self._groups[pool.resource.exclusive_group].hold(allocation, sign)

    def hold_all(self, reservations: Sequence[Reservation]) -> None:
        """As `hold` for each of many, drawn at once. What is booked of a quota is left alone."""
        by_pool: dict[str, list[Allocation]] = {}
        by_meter: dict[MeterKey, list[Allocation]] = {}
        batch = {name for name, pool in self._pools.items() if pool.resource.batch is not None}
        for reservation in reservations:
            for allocation in reservation.occupied:
                by_pool.setdefault(allocation.resource, []).append(allocation)
                if allocation.meter:
                    by_meter.setdefault((reservation.company, allocation.meter), []).append(allocation)
                if allocation.resource in batch and not allocation.companion_of:
                    self._pools[allocation.resource].work.note(reservation, 1)
        for name, allocations in by_pool.items():
            pool = self._pools[name]
            pool.calendar.hold_all(allocations)
            pool.closed.recount()
            if pool.resource.exclusive_group:
                self._groups[pool.resource.exclusive_group].hold_all(allocations)
        for key, allocations in by_meter.items():
            self._meters[key].hold_all(allocations)

    @contextmanager
    def without(self, reservation: Reservation) -> Iterator[None]:
        """Take out what a reservation holds, and put it back at the end."""
        self.hold(reservation, -1)
        stands = self._reservations.get(reservation.id, reservation)  # The part of it may be nothing any more.
        self._count(stands, -1)
        try:
            yield
        finally:
            self.hold(reservation)
            self._count(stands, 1)

    def _count(self, reservation: Reservation, sign: int) -> None:
        """Count a reservation among the batch work of its company, or no more."""
        for allocation in reservation.occupied:
            pool = self._pools[allocation.resource]
            if pool.resource.batch is not None and not allocation.companion_of:
                pool.work.note(reservation, sign)
