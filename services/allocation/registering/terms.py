"""Publishing terms, if they make sense and reach into no past."""

from collections.abc import Iterator, Sequence

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.measures import HOUR_MINUTES, PERCENT
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.values.terms import DAYS_MAX, ArrearsRule, ReclaimRule, Terms

STRIKE_RULES_MAX = 8
ARREARS_RULES_MAX = 8
ARREARS_MONTHS_MAX = 60
OVERBURN_PERCENT_MAX = 1000
RECLAIM_ROWS_MAX = 20


def publish_terms(centre: Centre, command: commands.PublishTerms, now: int) -> Events:
    """Let terms hold from now or a later date on."""
    found = list(_faults(centre.records.terms, command.terms, now))
    if found:
        raise Rejected(Violation(reason=Reason.INVALID_TERMS, description=f"The terms: {fault}.") for fault in found)
    return (events.TermsPublished(terms=command.terms),)


def _faults(published: Sequence[Terms], terms: Terms, now: int) -> Iterator[str]:
    """What forbids publishing these terms, in words."""
    if published and terms.effective < max(now, published[-1].effective):
        yield "new terms take effect neither in the past nor before those published last"
    bounds = (
        (terms.extend_window_hours, 24 * DAYS_MAX),
        (terms.extend_days_max, DAYS_MAX),
        (terms.check_in_early_minutes, 24 * 60),
    )
    if terms.reclaim is not None:
        yield from _reclaim_faults(terms.reclaim)
    if terms.idle is not None and not (
        0 < terms.idle.below_percent <= PERCENT
        and 0 < terms.idle.window_hours <= 24 * DAYS_MAX
        and 0 < terms.idle.warn_hours <= 24 * DAYS_MAX
    ):
        yield "what is idle is below some percent, at most 100, over at least an hour, with an hour's warning"
    if terms.no_process is not None and not 0 < terms.no_process.minutes <= HOUR_MINUTES * 24 * DAYS_MAX:
        yield "compute without a process is given back after at least a minute, and not after years"
    if not PERCENT <= terms.overburn_percent <= OVERBURN_PERCENT_MAX:
        yield f"between {PERCENT} and {OVERBURN_PERCENT_MAX} percent of a quota may be booked"
    if any(not 0 <= figure <= most for figure, most in bounds):
        yield "hours, days and minutes must not be negative or absurdly long"
    yield from _arrears_faults(terms.arrears)
    if len(terms.strike_rules) > STRIKE_RULES_MAX:
        yield f"at most {STRIKE_RULES_MAX} strike rules"
    for rule in terms.strike_rules:
        if rule.strikes < 1 or not (0 < rule.window_days <= DAYS_MAX and 0 < rule.suspension_days <= DAYS_MAX):
            yield "a strike rule needs at least one strike, and a window and a suspension of at least a day"


def _arrears_faults(rules: Sequence[ArrearsRule]) -> Iterator[str]:
    if len(rules) > ARREARS_RULES_MAX or len({rule.months for rule in rules}) < len(rules):
        yield f"at most {ARREARS_RULES_MAX} rules of arrears, each after another number of months"
    for rule in rules:
        if not 0 < rule.months <= ARREARS_MONTHS_MAX or not 0 <= rule.surcharge_percent <= PERCENT:
            yield f"a rule of arrears holds after 1 to {ARREARS_MONTHS_MAX} months, and adds at most {PERCENT} percent"
        elif not rule.surcharge_percent and not rule.suspends:
            yield "a rule of arrears adds something to the bill, or suspends"


def _reclaim_faults(rule: ReclaimRule) -> Iterator[str]:
    if not 1 <= len(rule.rows) <= RECLAIM_ROWS_MAX:
        yield f"1 to {RECLAIM_ROWS_MAX} rows of reclaim"
    shares = (share for row in rule.rows for share in (row.at_percent, row.below_percent, row.remove_percent))
    if any(not 0 < share <= PERCENT for share in shares):
        yield "a row of reclaim has percentages from 1 to 100"
    if any(not 0 <= days <= DAYS_MAX for days in (rule.grace_days, rule.notice_days, rule.exemption_days)):
        yield "days of grace, notice and exemption must not be negative or absurdly many"
