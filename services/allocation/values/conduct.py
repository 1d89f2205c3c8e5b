"""How a company stands with the centre: its strikes, its suspension, what its people are trained for.

A reservation of equipment that nobody comes to, and one given back too late for anybody else, are strikes. The terms of
the centre say how many suspend a company from booking equipment, and for how long.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from services.allocation.measures import DAY_SECONDS
from services.allocation.values.arrears import Arrear
from services.allocation.values.terms import DAYS_MAX, Terms

QUALIFICATIONS_MAX = 1_000
OFFICERS_MAX = 20


class Cause(StrEnum):
    """What a strike is for."""

    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"


class Strike(Struct, frozen=True, gc=False, kw_only=True):
    """One strike, at a time in seconds."""

    reservation_id: str
    cause: Cause
    at: int


class Qualification(Struct, frozen=True, gc=False, kw_only=True):
    """A company's people may run a piece of equipment by themselves in `[start, end)`."""

    company: str
    resource: str
    start: int
    end: int


class Assignment(Struct, frozen=True, gc=False, kw_only=True):
    """A support officer of the centre may act for a company in `[start, end)`."""

    company: str
    officer: str
    start: int
    end: int


class Misuse(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A company used what it had for something else, at a time in seconds; whether that takes everything back."""

    reason: str
    at: int
    reference: str = ""
    revokes: bool = False


class Exemption(Struct, frozen=True, gc=False, kw_only=True):
    """The review of a company's grants at a time in seconds passes it by, and why."""

    at: int
    reason: str


class Conduct(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A company's record. `kept` counts check-ins, `missed` strikes; forgiven ones are in neither."""

    company: str
    kept: int = 0
    missed: int = 0
    strikes: tuple[Strike, ...] = ()
    suspended_until: int = 0
    qualifications: tuple[Qualification, ...] = ()
    officers: tuple[Assignment, ...] = ()
    arrears: tuple[Arrear, ...] = ()
    misuse: Misuse | None = None
    exemptions: tuple[Exemption, ...] = ()

    @property
    def barred(self) -> bool:
        """Whether it books nothing new at all."""
        return self.revoked or any(each.suspends for each in self.arrears)

    @property
    def revoked(self) -> bool:
        """Whether all that it has is taken back."""
        return self.misuse is not None and self.misuse.revokes

    @property
    def reliability(self) -> float:
        """The share of what needed a check-in and got one; 1 for a company without a record."""
        return self.kept / (self.kept + self.missed) if self.kept + self.missed else 1.0

    def struck(self, strike: Strike) -> "Conduct":
        """The record with one more strike. Those that no rule can reach any more are dropped."""
        recent = tuple(each for each in self.strikes if each.at > strike.at - DAYS_MAX * DAY_SECONDS)
        return replace(self, missed=self.missed + 1, strikes=(*recent, strike))

    def forgiven(self, reservation_id: str) -> "Conduct":
        """The record without the strike for a reservation."""
        left = tuple(each for each in self.strikes if each.reservation_id != reservation_id)
        return replace(self, missed=self.missed - len(self.strikes) + len(left), strikes=left)

    def qualified(self, resource: str, start: int, end: int) -> bool:
        """Whether one qualification for a resource covers all of `[start, end)`."""
        return any(
            each.resource == resource and each.start <= start and end <= each.end for each in self.qualifications
        )

    def with_qualification(self, granted: Qualification) -> "Conduct":
        """The record with one more qualification."""
        return replace(self, qualifications=(*self.qualifications, granted))

    def acted_for_by(self, officer: str, now: int) -> bool:
        """Whether an officer may act for the company now."""
        return any(each.officer == officer and each.start <= now < each.end for each in self.officers)

    def with_officer(self, assigned: Assignment) -> "Conduct":
        """The record with an officer, at the times of their last assignment."""
        others = self.without_officer(assigned.officer).officers
        return replace(self, officers=(*others, assigned))

    def without_officer(self, officer: str) -> "Conduct":
        """The record without an officer."""
        return replace(self, officers=tuple(each for each in self.officers if each.officer != officer))

    def exempt_at(self, at: int) -> bool:
        """Whether the review of a time passes it by."""
        return any(each.at == at for each in self.exemptions)

    def with_exemption(self, granted: Exemption, now: int) -> "Conduct":
        """The record with one more exemption, and without those of reviews that are over."""
        return replace(self, exemptions=(*(each for each in self.exemptions if each.at > now), granted))

    def with_arrear(self, arrear: Arrear) -> "Conduct":
        """The record with a bill that is overdue, as it stands now."""
        return replace(self.without_arrear(arrear.month), arrears=(*self.without_arrear(arrear.month).arrears, arrear))

    def without_arrear(self, month: str) -> "Conduct":
        """The record without the bill of a month."""
        return replace(self, arrears=tuple(each for each in self.arrears if each.month != month))

    def without_qualification(self, resource: str) -> "Conduct":
        """The record without any qualification for a resource."""
        return replace(self, qualifications=tuple(each for each in self.qualifications if each.resource != resource))


def suspension(conduct: Conduct, terms: Terms) -> int:
    """Until when the strikes suspend a company by the terms, in seconds; 0 if they do not."""
    ends = [0]
    times = sorted(strike.at for strike in conduct.strikes)
    for rule in terms.strike_rules:
        for first, last in zip(times, times[rule.strikes - 1 :], strict=False):
            if last - first <= rule.window_days * DAY_SECONDS:
                ends.append(last + rule.suspension_days * DAY_SECONDS)
    return max(ends)
