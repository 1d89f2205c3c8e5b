"""Funding: how many units of a resource there is money and power for, which may be fewer than are installed. Nouns."""

from msgspec import Struct


class Funding(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """From `start` on so many units are funded, until the next step of the same resource. Times are full hours."""

    resource: str
    start: int
    units: int
    reason: str = ""
    displace: bool = False  # whether reservations that no longer fit lose their units, or are left standing

    @property
    def key(self) -> str:
        """The name of this step, such as `h100@1775000000`."""
        return f"{self.resource}@{self.start}"
