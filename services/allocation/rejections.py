"""Every reason for a lawful no. The list is closed: clients may rely on it, and docs/api.md explains each."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Why a command was refused. The order is the order of precedence when several rules say no."""

    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"  # the same request id came with another body
    ALREADY_EXISTS = "ALREADY_EXISTS"  # a resource, company or quota of this name is registered
    COMPANY_NOT_FOUND = "COMPANY_NOT_FOUND"
    RESOURCE_NOT_FOUND = "RESOURCE_NOT_FOUND"
    RESERVATION_NOT_FOUND = "RESERVATION_NOT_FOUND"
    OUTAGE_NOT_FOUND = "OUTAGE_NOT_FOUND"
    INVALID_RESOURCE = "INVALID_RESOURCE"  # a registration that contradicts itself or the catalogue
    INVALID_QUOTA = "INVALID_QUOTA"
    INVALID_TARIFF = "INVALID_TARIFF"  # a rate card that contradicts itself, or reaches into the past
    INVALID_OUTAGE = "INVALID_OUTAGE"  # an outage of nothing, or of times that make no sense
    PERIOD_RUNNING = "PERIOD_RUNNING"  # the books of a month cannot be closed before it is over
    INVALID_TERMS = "INVALID_TERMS"  # terms that contradict themselves or reach back
    INVALID_QUALIFICATION = "INVALID_QUALIFICATION"
    INVALID_PARTICIPANTS = "INVALID_PARTICIPANTS"  # nobody, too many, or ids that are not one for each
    INVALID_OFFICER = "INVALID_OFFICER"  # an assignment that ends before it starts, or one too many
    INVALID_CORRECTION = "INVALID_CORRECTION"  # of nothing or too much, without a reason, or that takes nothing back
    INVALID_ARREARS = "INVALID_ARREARS"  # a bill of nothing, of no month, or that is not due yet; or too many
    INVALID_MISUSE = "INVALID_MISUSE"  # a misuse that nobody explains
    INVALID_FUNDING = "INVALID_FUNDING"  # of more than there is, or from a time that makes no sense
    INVALID_OVERRIDE = "INVALID_OVERRIDE"  # of a rule that no operator may override, or without a justification
    NO_SUCH_RECORD = "NO_SUCH_RECORD"  # the qualification, strike or correction that was named does not stand
    SERIES_NOT_FOUND = "SERIES_NOT_FOUND"
    INVALID_SERIES = "INVALID_SERIES"  # no occurrence, too many, or a rule that nothing can be made of
    STALE_ETAG = "STALE_ETAG"  # the reservation changed since it was read
    WRONG_STATE = "WRONG_STATE"  # the reservation is not in a state that allows this
    ALREADY_VOTED = "ALREADY_VOTED"  # everybody votes once on a booking
    REFERENCE_REQUIRED = "REFERENCE_REQUIRED"  # the approval must name the review that allows it
    NEEDS_APPROVAL = "NEEDS_APPROVAL"  # what was approved is not made into something else
    INVALID_LINES = "INVALID_LINES"  # none, too many, or the same resource twice
    INVALID_UNITS = "INVALID_UNITS"  # below the least, off the step, or not a shape of this resource
    INVALID_INTERVAL = "INVALID_INTERVAL"  # empty, reversed, or in a year that no calendar here reaches
    OFF_GRID = "OFF_GRID"  # start or end is not a slot boundary
    DURATION_OUT_OF_RANGE = "DURATION_OUT_OF_RANGE"
    START_IN_PAST = "START_IN_PAST"
    NOTICE_TOO_SHORT = "NOTICE_TOO_SHORT"
    BEYOND_HORIZON = "BEYOND_HORIZON"
    OUTSIDE_AGREEMENT = "OUTSIDE_AGREEMENT"  # the company's agreement does not cover the interval
    NOT_ENTITLED = "NOT_ENTITLED"  # certification missing for a restricted data zone
    SUSPENDED = "SUSPENDED"  # strikes: no equipment before a date
    ARREARS = "ARREARS"  # bills long overdue: nothing new before they are paid
    REVOKED = "REVOKED"  # misuse: nothing at all before it is lifted
    NOT_QUALIFIED = "NOT_QUALIFIED"  # training missing, and no operator along
    TOO_EARLY = "TOO_EARLY"  # a check-in, or an extension of what has begun, that can be had later
    END_IN_PAST = "END_IN_PAST"  # what has been used cannot be given back
    NO_QUOTA = "NO_QUOTA"  # the company holds no quota on this meter for the period
    OUT_OF_SERVICE = "OUT_OF_SERVICE"
    OUTSIDE_OPENING_HOURS = "OUTSIDE_OPENING_HOURS"
    CLOSED_DAY = "CLOSED_DAY"
    MAINTENANCE = "MAINTENANCE"
    COMPANION_MISSING = "COMPANION_MISSING"  # bookable only together with another piece of equipment
    TOO_MANY_HOLDS = "TOO_MANY_HOLDS"  # the company lets enough offers be held already
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    CONCURRENCY_EXCEEDED = "CONCURRENCY_EXCEEDED"
    RESERVE_EXCEEDED = "RESERVE_EXCEEDED"  # the programme has none, or less than was to be given out of it
    EXCLUSIVE_GROUP_BUSY = "EXCLUSIVE_GROUP_BUSY"  # another member of the group is held at that time
    CHANGEOVER_TOO_SHORT = "CHANGEOVER_TOO_SHORT"
    TOO_FEW_SEATS = "TOO_FEW_SEATS"  # no line has room for everybody of a class
    NOT_FUNDED = "NOT_FUNDED"  # there is no money or power for so many units then
    NO_CAPACITY = "NO_CAPACITY"  # too few units are free
    NO_PLACEMENT = "NO_PLACEMENT"  # enough units are free, but not in the shape asked for


OVERRIDABLE = frozenset(
    {
        Reason.DURATION_OUT_OF_RANGE,
        Reason.NOTICE_TOO_SHORT,
        Reason.BEYOND_HORIZON,
        Reason.OUTSIDE_AGREEMENT,
        Reason.SUSPENDED,
        Reason.ARREARS,
        Reason.OUTSIDE_OPENING_HOURS,
        Reason.CLOSED_DAY,
        Reason.QUOTA_EXCEEDED,
        Reason.CONCURRENCY_EXCEEDED,
    }
)
"""What an operator may override with a justification: rules of policy, never what is or is not there."""

PRECEDENCE = {reason: rank for rank, reason in enumerate(Reason)}


class Violation(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One rule that says no: which, about what, and the sentence that explains it to a person."""

    reason: Reason
    description: str
    subject: str = ""  # the resource, company, meter or reservation concerned
    limit: int = 0  # the figure of the rule, in the unit that the description states
    asked: int = 0
    fixed: bool = False  # nobody may override it, though the reason is one that could be

    @property
    def overridable(self) -> bool:
        """Whether an operator may book all the same."""
        return self.reason in OVERRIDABLE and not self.fixed


class Rejected(Exception):
    """The command was refused: nothing happened, and nothing will."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(sorted(violations, key=lambda violation: PRECEDENCE[violation.reason]))
        super().__init__("; ".join(violation.description for violation in self.violations))

    @property
    def reason(self) -> Reason:
        """The violation that takes precedence."""
        return self.violations[0].reason


def refuse(reason: Reason, description: str, subject: str = "", limit: int = 0, asked: int = 0) -> Rejected:
    """A refusal for a single reason."""
    return Rejected([Violation(reason=reason, description=description, subject=subject, limit=limit, asked=asked)])


def check_sound(reason: Reason, subject: str, faults: Iterable[str]) -> None:
    """Raises `Rejected` with every fault of something, each in words and for the same reason, if it has any."""
    if found := [Violation(reason=reason, description=f"{subject}: {each}.", subject=subject) for each in faults]:
        raise Rejected(found)
