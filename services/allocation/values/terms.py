"""The terms of the centre: rules that hold for everybody, from a date on.

They are facts of the log, so that a decision can be understood by the rules of its own day. New terms never reach back.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
HOUR_MINUTES = 60
DAY_SECONDS = 86_400
STRIKE_RULES_MAX = 8
ARREARS_RULES_MAX = 8
ARREARS_MONTHS_MAX = 60
DAYS_MAX = 1000
PERCENT = 100
OVERBURN_PERCENT_MAX = 1000
RECLAIM_ROWS_MAX = 20


class StrikeRule(Struct, frozen=True, gc=False, kw_only=True):
    """So many strikes within a window suspend a company (after the equipment rules of Seoul Technopark and NYCU)."""

    strikes: int
    window_days: int
    suspension_days: int


class IdleRule(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Compute used less than this over a window is warned, and given back so many hours later (after OpenPAI).

    `exempt` are programmes and companies that an operator spares.
    """

    below_percent: int
    window_hours: int
    warn_hours: int
    exempt: tuple[str, ...] = ()


class NoProcessRule(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Compute on which no process ran for so long from its start is given back as a no-show, without a warning.

    `exempt` are programmes and companies that an operator spares.
    """

    minutes: int
    exempt: tuple[str, ...] = ()


class ArrearsRule(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A bill overdue for so many months costs so much more, or keeps a company from booking until it is paid.

    After the multi-scale energy centre, which asks a tenth more after three months and suspends after six.
    """

    months: int
    surcharge_percent: int = 0
    suspends: bool = False


class ReclaimRow(Struct, frozen=True, gc=False, kw_only=True):
    """So far into an agreement's term, whoever has booked less than this loses so much of the rest (after DOE ALCC)."""

    at_percent: int
    below_percent: int
    remove_percent: int


class ReclaimRule(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The rows, and who is spared: everybody in the first days of an agreement, and these programmes and companies."""

    rows: tuple[ReclaimRow, ...]
    grace_days: int = 0
    notice_days: int = 0
    exemption_days: int = 0  # An exemption is granted so long before a review.
    exempt: tuple[str, ...] = ()


class Terms(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What holds from `effective` on, in seconds UTC, until newer terms take over."""

    effective: int
    extend_window_hours: int = 48  # An active reservation may be extended in its last hours only.
    extend_days_max: int = 7  # By so much at a time.
    check_in_early_minutes: int = 15  # One may check in so long before the start.
    strike_rules: tuple[StrikeRule, ...] = ()
    overburn_percent: int = 100  # Of a quota of compute, what may be booked in all.
    idle: IdleRule | None = None  # None: compute may stand idle.
    reclaim: ReclaimRule | None = None  # None: grants are never reviewed.
    arrears: tuple[ArrearsRule, ...] = ()
    misuse_revokes: bool = False  # whoever misuses what it has loses all of it
    no_process: NoProcessRule | None = None  # None: compute may be left unused from its start.


FIRST = Terms(effective=0)
"""What holds before any terms were published."""


def terms_at(published: Sequence[Terms], at: int) -> Terms:
    """The terms that hold at a time in seconds. `published` are in the order of their publication."""
    return next((terms for terms in reversed(published) if terms.effective <= at), FIRST)


def faults(published: Sequence[Terms], terms: Terms, now: int) -> Iterator[str]:
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
