"""What a variant would cost from each of many starts on. Prices differ by rate card and peak hours alone."""

import numpy as np
from numpy.typing import NDArray

from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.money.costing import rates
from services.allocation.offering.steps import Steps
from services.allocation.offering.variants import Variant
from services.allocation.prices.pricing import Rate
from services.allocation.units.want import Want

PRICED_AT_ONCE = 50
"""Starts of equipment, each of which has other slots, that are priced in one step."""


def prices(centre: Centre, company: Company, variant: Variant, starts: NDArray[np.int64]) -> Steps[NDArray[np.int64]]:
    """KRW for every start, by the card that is in force then."""
    found = np.zeros(len(starts), dtype=np.int64)
    number = np.zeros(len(starts), dtype=np.int64)
    cards = [*centre.cards.published.values()]
    for place, card in enumerate(cards, 1):
        number[starts >= card.valid_from] = place  # The newest that is valid, as for a booking.
    for place, card in enumerate(cards, 1):
        those = np.flatnonzero(number == place)
        rate_of = rates(centre, company.id, card)
        for want in variant.wants if len(those) else ():
            if not want.companion_of:
                found[those] += yield from _prices(want, rate_of(want.resource.id), starts[those], variant.duration)
                yield
    return found


def _prices(want: Want, rate: Rate, starts: NDArray[np.int64], duration: int) -> Steps[NDArray[np.int64]]:
    """KRW of one line for every start of the demand."""
    line = want.line
    if not rate.numerator:
        return np.zeros(len(starts), dtype=np.int64)
    if want.pool.timetable is None and not rate.slot_seconds:
        return rate.prices(line.units, starts + line.starts_after, line.lasts(duration))
    found = []
    for place, start in enumerate(starts.tolist()):
        if place % PRICED_AT_ONCE == PRICED_AT_ONCE - 1:
            yield
        spans = want.pool.open_spans(*line.within(start, start + duration))
        found.append(rate.price(line.units, spans, start + duration))
    return np.array(found, dtype=np.int64)
