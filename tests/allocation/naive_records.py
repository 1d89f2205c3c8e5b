"""Bills and reviews once more, told simply: dates counted on a calendar. It shares no code with what it checks."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from services.allocation.companies import Company
from services.allocation.rejections import Reason
from tests.allocation.naive_booking import DAY
from tests.allocation.naive_rules import NaiveRules

SEOUL = ZoneInfo("Asia/Seoul")


def later(moment: int, months: int) -> int:
    """The same time of day some months later; no day after the 28th is asked about."""
    day = datetime.fromtimestamp(moment, SEOUL)
    count = day.year * 12 + day.month - 1 + months
    return int(day.replace(year=count // 12, month=count % 12 + 1).timestamp())


def recording(naive: NaiveRules, company: str, month: str, krw: int, since: int, now: int) -> set[Reason]:
    """Every reason against recording a bill: of nothing, of no month, not over or not due, or known already."""
    wrong = krw <= 0 or since > now
    try:
        begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=SEOUL)
        wrong = wrong or since < later(int(begins.timestamp()), 1)
    except ValueError:
        wrong = True
    if wrong:
        return {Reason.INVALID_ARREARS}
    return {Reason.ALREADY_EXISTS} if month in naive.bills.get(company, {}) else set()


def overdue(naive: NaiveRules, now: int) -> None:
    """Whatever follows from bills by now: each rule once, from the day on which the terms began to say so."""
    for company, bills in naive.bills.items():
        for bill in bills.values():
            for rule in naive.terms.arrears:
                due = later(bill.since, rule.months)
                if naive.terms.effective <= due <= now and rule.months not in bill.reached:
                    bill.reached.add(rule.months)
                    bill.suspends |= rule.suspends
                    naive.surcharged[company] = (
                        naive.surcharged.get(company, 0) + bill.krw * rule.surcharge_percent // 100
                    )


def dates(naive: NaiveRules, company: Company) -> list[int]:
    """When the grants of a company are reviewed by the terms: so far into its agreement, and not before them."""
    rows = naive.terms.reclaim.rows if naive.terms.reclaim else ()
    term = company.agreement_end - company.agreement_start
    found = {company.agreement_start + term * row.at_percent // 100 for row in rows}
    return sorted(date for date in found if date > naive.terms.effective)


def exempting(naive: NaiveRules, company: str, now: int) -> set[Reason]:
    """Every reason against exempting a company from its next review."""
    ahead = [date for date in dates(naive, naive.companies[company]) if date > now]
    rule = naive.terms.reclaim
    if not ahead or rule is None:
        return {Reason.NO_SUCH_RECORD}
    if ahead[0] - now < rule.exemption_days * DAY:
        return {Reason.NOTICE_TOO_SHORT}
    return {Reason.ALREADY_EXISTS} if (company, ahead[0]) in naive.exempted else set()


def exempt(naive: NaiveRules, company: str, now: int) -> None:
    """The next review takes nothing."""
    naive.exempted.add((company, next(date for date in dates(naive, naive.companies[company]) if date > now)))


def review(naive: NaiveRules, now: int) -> None:
    """Every review that is due by now and was not made yet, the earliest first."""
    for company in naive.companies.values():
        for date in dates(naive, company):
            if date <= now and (company.id, date) not in naive.reviewed:
                naive.reviewed.add((company.id, date))
                if (company.id, date) not in naive.exempted:
                    _take(naive, company, date)


def _take(naive: NaiveRules, company: Company, date: int) -> None:
    rule = naive.terms.reclaim
    assert rule is not None, "there is no review without a rule"
    term = company.agreement_end - company.agreement_start
    mine = [number for number, each in enumerate(naive.quotas) if each.company == company.id and each.meter == "nodes"]
    granted = sum(naive.quotas[number].unit_seconds + naive.quotas[number].reclaimed for number in mine)
    booked = sum(naive.booked(naive.quotas[number]) for number in mine)
    rows = [
        row
        for row in rule.rows
        if company.agreement_start + term * row.at_percent // 100 == date and booked * 100 < granted * row.below_percent
    ]
    if not rows or not granted:
        return
    strictest = min(rows, key=lambda row: row.below_percent)
    for number in mine:
        quota = naive.quotas[number]
        if quota.end > date:
            lost = max(0, quota.unit_seconds - naive.booked(quota)) * strictest.remove_percent // 100
            naive.quotas[number] = replace(
                quota, unit_seconds=quota.unit_seconds - lost, reclaimed=quota.reclaimed + lost
            )
