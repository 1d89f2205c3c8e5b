"""What a sentence needs beside its event: who caused it, in whose clock it is told, and what resources count."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation.reservations import Allocation, Overburn
from services.allocation.resources import Interval, Unit
from services.allocation.wording import counted, unit_hours

SYSTEM = "system"
"""Who acts where nobody asked: time passes, and the rules go on."""


class Words(Struct, frozen=True, kw_only=True):
    """What a sentence needs beside the event: who caused it, in whose clock it is told, and what resources count."""

    actor: str
    zone: ZoneInfo
    units: Mapping[str, str]

    @property
    def who(self) -> str:
        """The one who acts, at the beginning of a sentence."""
        match self.actor.split("/"):
            case ["companies", company]:
                return company
            case ["officers", name, "companies", company]:
                return f"Officer {name} for {company}"
            case ["operators", name]:
                return f"Operator {name}"
            case ["operators"]:
                return "An operator"
            case _:
                return "The centre" if self.actor == SYSTEM else self.actor

    def moment(self, seconds: int) -> str:
        """Such as `2026-03-02 11:00 KST`."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    def until(self, seconds: int) -> str:
        """Such as `to 2026-03-02 11:00 KST`; nothing but words for 0."""
        return f"to {self.moment(seconds)}" if seconds else "until it is lifted"

    def during(self, interval: Interval | None) -> str:
        """Such as ` from 2026-03-02 11:00 KST to 2026-03-02 13:00 KST`; nothing for None."""
        return f" from {self.moment(interval[0])} to {self.moment(interval[1])}" if interval else ""

    def instead(self, desired: Interval | None) -> str:
        """That another time was asked for; nothing for None."""
        return f", instead of{self.during(desired)} as was asked" if desired else ""

    def beyond(self, overburn: tuple[Overburn, ...]) -> str:
        """Such as ` 64.0 unit-hours of h100 of it lie beyond the quota.`; nothing for none."""
        parts = [f"{self.hours(each.unit_seconds, each.meter)} unit-hours of {each.meter}" for each in overburn]
        return f" {' and '.join(parts)} of it lie beyond the quota." if parts else ""

    def held(self, allocations: tuple[Allocation, ...]) -> str:
        """Such as `4 GPUs of h100; 2 operators of OP-1, which M01 needs`."""
        return "; ".join(map(self._allocation, allocations))

    def amount(self, units: int, resource: str) -> str:
        """Such as `4 GPUs of h100`; thousandths of a GPU as parts of one."""
        return f"{counted(units, self._unit(resource))} of {resource}"

    def hours(self, unit_seconds: int, resource: str) -> str:
        """Such as `12.5`: unit-hours, of thousandths of a GPU as of GPUs."""
        return unit_hours(unit_seconds, self._unit(resource))

    def _unit(self, resource: str) -> Unit | None:
        """What a resource counts; None for what is none of ours, or counts many things alike."""
        name = self.units.get(resource, "")
        return Unit(name) if name in Unit.__members__.values() else None

    def _allocation(self, allocation: Allocation) -> str:
        text = self.amount(allocation.units, allocation.resource)
        if len(allocation.spans) > 1:
            text += f" in {len(allocation.spans)} spans of time"
        return f"{text}, which {allocation.companion_of} needs" if allocation.companion_of else text
