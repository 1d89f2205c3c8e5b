"""Reviewing grants: at dates of an agreement's term, what is not booked of it is partly taken back, after a notice.

Every review is an event, with the share that was booked and the row of the rule, whether it took something or not; so
nobody is reviewed twice for a date, and a replay takes nothing again. Hours of equipment are not reviewed. What is
taken goes to the reserve of the company's programme, if the terms of that date say so: `money.correcting` gives it out.
"""

from services.allocation import events
from services.allocation.centre import Centre
from services.allocation.companies import EQUIPMENT_METER, Company
from services.allocation.events import Event, Events
from services.allocation.measures import PERCENT
from services.allocation.tables.meter import Meter
from services.allocation.values.reclaim import MeterReview, Removal, Review, row_for
from services.allocation.values.terms import ReclaimRule

REVIEWS_MAX = 100
"""A tick makes at most so many, so that it fits one page."""


def review(centre: Centre, now: int) -> Events:
    """The reviews and notices that are due, as far as a page goes."""
    first: dict[str, Review] = {}
    for each in centre.reviews.ahead[:REVIEWS_MAX]:
        if each.due <= now:  # After a long sleep a company may have two, and the second sees what the first took.
            first.setdefault(each.company, each)
    return tuple(_reviewed(centre, each) for each in first.values())


def _reviewed(centre: Centre, review: Review) -> Event:
    company, rule = centre.companies[review.company], centre.records.terms_at(review.at).reclaim
    if centre.records.conduct(company.id).exempt_at(review.at):
        rule = None
    meters = {
        meter: kept
        for (name, meter), kept in centre.meters.items()
        if name == review.company and meter != EQUIPMENT_METER
    }
    found = tuple(_judged(rule, company, review.at, meter, kept) for meter, kept in sorted(meters.items()))
    if review.due < review.at:
        return events.ReviewAnnounced(company=company.id, at=review.at, due=review.due, meters=found)
    removals = [removal for each in found for removal in _removals(each, meters[each.meter], review.at)]
    return events.QuotaReviewed(
        company=company.id,
        at=review.at,
        meters=found,
        removals=tuple(removals),
        to_reserve=rule is not None and rule.to_reserve and bool(removals and company.programme),
    )


def _judged(rule: ReclaimRule | None, company: Company, at: int, name: str, meter: Meter) -> MeterReview:
    """What a company has on a meter; what it lost before counts as granted, or a second review would be milder."""
    granted = sum(period.quota.unit_seconds + period.quota.reclaimed for period in meter.periods)
    booked = sum(period.booked for period in meter.periods)
    row = row_for(rule, company, at, granted, booked) if rule is not None else None
    return MeterReview(meter=name, granted=granted, booked=booked, row=row)


def _removals(found: MeterReview, meter: Meter, at: int) -> list[Removal]:
    """The part of what is not booked that goes, of every period that is not over."""
    row = found.row
    if row is None:
        return []
    lost = (
        (period, max(0, period.quota.unit_seconds - period.booked) * row.remove_percent // PERCENT)
        for period in meter.periods
        if period.quota.end > at
    )
    return [
        Removal(meter=found.meter, start=period.quota.start, unit_seconds=amount) for period, amount in lost if amount
    ]
