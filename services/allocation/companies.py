"""Who books: a company, the terms of its agreement, and what quota it has."""

from msgspec import Struct


class Company(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A tenant and the terms of its agreement with the centre."""

    id: str
    display_name: str
    local_name: str = ""
    programme: str = ""
    industry: str = ""
    agreement_start: int
    agreement_end: int
    notice_hours: int = 0  # compute
    horizon_days: int = 30  # compute
    reservation_days_max: int = 7  # compute
    certified: bool = False  # may use resources of a restricted data zone
    gpus_unapproved: int = 0  # more of them in one booking need a manager's approval; 0: none do
    gpus_max: int = 0  # in one booking; 0: as many as it has quota for
    gpus_approval_hours: int = 0  # how long that approval may take; 0: until the start
    attributes: dict[str, str] = {}


EQUIPMENT_METER = "equipment"
"""The one meter that every piece of equipment counts on; a compute pool's meter is the pool's own id."""


class Quota(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a company may hold on one meter in one period: unit-seconds in all, and units at once."""

    company: str
    meter: str
    start: int
    end: int
    unit_seconds: int
    concurrent_units_max: int = 0  # 0: no limit at once
    reclaimed: int = 0  # unit-seconds that it had and lost, since too little was used
