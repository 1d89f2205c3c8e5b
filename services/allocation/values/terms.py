"""The terms of the centre: rules that hold for everybody, from a date on.

They are facts of the log, so that a decision can be understood by the rules of its own day. New terms never reach back.
"""

from collections.abc import Sequence

from msgspec import Struct

DAYS_MAX = 1000


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
    to_reserve: bool = False  # What is lost goes to the reserve of the company's programme.


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
