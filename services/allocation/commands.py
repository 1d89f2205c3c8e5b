"""What may be asked of the centre. A wish, in the imperative; `decide` answers it."""

from msgspec import Struct

from services.allocation.resources import Company, Line, Quota, Resource
from services.allocation.tariff import Tariff
from services.allocation.use import Record


class RegisterResource(Struct, frozen=True, gc=False, kw_only=True):
    """Make a resource bookable."""

    resource: Resource


class RegisterCompany(Struct, frozen=True, gc=False, kw_only=True):
    """Let a company book under its terms."""

    company: Company


class GrantQuota(Struct, frozen=True, gc=False, kw_only=True):
    """Give a company unit-seconds on a meter for a period."""

    quota: Quota


class PublishTariff(Struct, frozen=True, gc=False, kw_only=True):
    """Let a rate card apply to what is booked from now on. One that is valid from 0 is valid at once."""

    tariff: Tariff


class ClosePeriod(Struct, frozen=True, gc=False, kw_only=True):
    """Freeze the books up to the end of a month, such as `2026-03`."""

    month: str


class CreateReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Hold every line of a demand for `[start, end)`, together or not at all."""

    reservation_id: str
    company: str
    start: int
    end: int
    lines: tuple[Line, ...]
    note: str = ""
    hold_seconds: int = 0  # 0: book it; else only hold it for so long


class ConfirmReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Take an offer that is held. An empty `etag` matches any version."""

    reservation_id: str
    company: str
    etag: str = ""


class CancelReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Give a reservation back before it starts. An empty `etag` matches any version."""

    reservation_id: str
    company: str
    etag: str = ""
    reason: str = ""


class ReleaseReservation(Struct, frozen=True, gc=False, kw_only=True):
    """End an active reservation early and give the rest back. An empty `etag` matches any version."""

    reservation_id: str
    company: str
    etag: str = ""
    reason: str = ""


class RecordUse(Struct, frozen=True, gc=False, kw_only=True):
    """Write down what was measured of a reservation. The scheduler asks this of itself."""

    reservation_id: str
    record: Record


class Tick(Struct, frozen=True, gc=False, kw_only=True):
    """Let time pass: activate what starts, complete what ends, let go of what nobody confirmed."""


Command = (
    RegisterResource
    | RegisterCompany
    | GrantQuota
    | PublishTariff
    | ClosePeriod
    | CreateReservation
    | ConfirmReservation
    | CancelReservation
    | ReleaseReservation
    | RecordUse
    | Tick
)
