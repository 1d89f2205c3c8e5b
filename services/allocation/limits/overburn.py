"""Overburn: how far a quota may be booked beyond itself, and how much of a booking lies beyond it.

The terms let compute be overburnt, and an operator may let any quota be: either is marked on the booking, as it was
when that was decided. Whoever books within the quota pays nothing for this.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.centre import Centre
from services.allocation.companies import EQUIPMENT_METER
from services.allocation.measures import PERCENT
from services.allocation.rejections import Reason, Violation
from services.allocation.reservations import Overburn
from services.allocation.tables.meter import Charge
from services.allocation.units.want import Want


def allowance(centre: Centre, meter: str, now: int) -> int:
    """How many percent of a quota may be booked: more than all of it, where the terms let compute be overburnt."""
    return PERCENT if meter == EQUIPMENT_METER else centre.records.terms_at(now).overburn_percent


def beyond_allowance(violation: Violation, percent: int, noted: list[Violation]) -> Iterator[Violation]:
    """A violation of quota, unless it is about so little that the allowance covers it; `noted` learns of it anyway."""
    if violation.reason is not Reason.QUOTA_EXCEEDED:
        yield violation
        return
    noted.append(violation)
    most = violation.limit * percent // PERCENT
    if percent == PERCENT:
        yield violation
    elif violation.asked > most:
        told = f"{violation.description} Up to {percent} % of it can be booked, and this would be more."
        yield replace(violation, limit=most, description=told)


def charges_of(wants: tuple[Want, ...]) -> dict[str, list[Charge]]:
    """What wants count on each meter: lines on one meter together, equipment for the slots that each line is held."""
    charges: dict[str, list[Charge]] = {}
    for want in wants:
        if want.meter and want.spans:
            charges.setdefault(want.meter, []).append((want.line.units, want.spans))
    return charges


def overburnt(centre: Centre, company: str, wants: tuple[Want, ...]) -> tuple[Overburn, ...]:
    """How much of wants, which stand in no quota yet, would lie beyond a company's quotas."""
    found = (
        Overburn(meter=meter, unit_seconds=kept.beyond(charges))
        for meter, charges in sorted(charges_of(wants).items())
        if (kept := centre.meters.get((company, meter))) is not None
    )
    return tuple(each for each in found if each.unit_seconds)
