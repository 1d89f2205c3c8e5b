"""Reclaim, as values: by which rule a grant loses part of what is not used of it, and what a review found. Pure."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.companies import Company, Quota
from services.allocation.measures import DAY_SECONDS, PERCENT
from services.allocation.values.terms import ReclaimRow, ReclaimRule, Terms, terms_at


class Removal(Struct, frozen=True, gc=False, kw_only=True):
    """Unit-seconds that the quota of a meter loses of the period that starts then."""

    meter: str
    start: int
    unit_seconds: int


class MeterReview(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What of a company's grants on a meter is booked, in unit-seconds, and the row of the rule that it falls under."""

    meter: str
    granted: int
    booked: int
    row: ReclaimRow | None = None


class Review(Struct, frozen=True, gc=False, order=True):
    """That a company's grants are looked at for a date, `at`: when `due`, or soon after. Before the date: a notice."""

    due: int
    company: str
    at: int


def reviews_of(
    company: Company, published: Sequence[Terms], after: int, known: Collection[Review] = ()
) -> list[Review]:
    """Every review of a company that lies ahead by the terms published so far, with the notices before.

    Who came late, and whom a new rule concerns, has the days of grace too, but for dates that were `known` before.
    """
    found: set[Review] = set()
    dates = {(each.company, each.at) for each in known}
    for terms in published:
        for row in terms.reclaim.rows if terms.reclaim is not None else ():
            at = date_of(company, row)
            rule = terms_at(published, at).reclaim
            if rule is not terms.reclaim or rule is None:
                continue
            begins = company.agreement_start if (company.id, at) in dates else max(after, company.agreement_start)
            if at < begins + rule.grace_days * DAY_SECONDS:
                continue
            found |= {Review(due, company.id, at) for due in {at, at - rule.notice_days * DAY_SECONDS} if due > after}
    return sorted(found)


def date_of(company: Company, row: ReclaimRow) -> int:
    """When a row of the rule is asked for a company: so far into the term of its agreement."""
    term = company.agreement_end - company.agreement_start
    return company.agreement_start + term * row.at_percent // PERCENT


def row_for(rule: ReclaimRule, company: Company, at: int, granted: int, booked: int) -> ReclaimRow | None:
    """The strictest row of a date that a meter falls under; None if enough is booked, or the company is spared."""
    if {company.id, company.programme} & set(rule.exempt):
        return None
    rows = [row for row in rule.rows if date_of(company, row) == at and booked * PERCENT < granted * row.below_percent]
    return min(rows, key=lambda row: row.below_percent, default=None)


def without(quota: Quota, removals: Iterable[Removal]) -> Quota:
    """A quota without what of it is removed."""
    lost = sum(each.unit_seconds for each in removals if (each.meter, each.start) == (quota.meter, quota.start))
    return replace(quota, unit_seconds=quota.unit_seconds - lost, reclaimed=quota.reclaimed + lost) if lost else quota
