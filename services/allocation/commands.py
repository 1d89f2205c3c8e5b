"""What may be asked of the centre. A wish, in the imperative; `decide` answers it."""

from msgspec import Struct

from services.allocation.companies import Company, Quota
from services.allocation.reservations import Condition, Line, Override
from services.allocation.resources import Interval, Resource
from services.allocation.series import Policy, Series
from services.allocation.values.arrears import Arrear
from services.allocation.values.conduct import Assignment, Qualification
from services.allocation.values.correction import Correction
from services.allocation.values.funding import Funding
from services.allocation.values.outage import Outage
from services.allocation.values.people import Participants
from services.allocation.values.tariff import Tariff
from services.allocation.values.terms import Terms
from services.allocation.values.use import Record


class RegisterResource(Struct, frozen=True, gc=False, kw_only=True):
    """Make a resource bookable."""

    resource: Resource


class RegisterCompany(Struct, frozen=True, gc=False, kw_only=True):
    """Let a company book under its terms."""

    company: Company


class GrantQuota(Struct, frozen=True, gc=False, kw_only=True):
    """Give a company unit-seconds on a meter for a period."""

    quota: Quota


class PublishTariff(Struct, frozen=True, gc=False, kw_only=True):
    """Let a rate card apply to what is booked from now on. One that is valid from 0 is valid at once."""

    tariff: Tariff


class ClosePeriod(Struct, frozen=True, gc=False, kw_only=True):
    """Freeze the books up to the end of a month, such as `2026-03`."""

    month: str


class PostCorrection(Struct, frozen=True, gc=False, kw_only=True):
    """Credit a company, or debit it."""

    correction: Correction


class DeclareOutage(Struct, frozen=True, gc=False, kw_only=True):
    """Take out what the scopes of an outage name. One that starts at 0 starts now."""

    outage: Outage


class SetFunding(Struct, frozen=True, gc=False, kw_only=True):
    """Fund so many units of a resource from a time on. A step that starts at 0 starts with the hour that runs."""

    funding: Funding


class LiftOutage(Struct, frozen=True, gc=False, kw_only=True):
    """Give the units of an outage back, from now on. An empty `etag` matches any version."""

    outage_id: str
    etag: str = ""
    reason: str = ""


class CreateReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Hold every line of a demand for `[start, end)`, together or not at all."""

    reservation_id: str
    company: str
    start: int
    end: int
    lines: tuple[Line, ...]
    note: str = ""
    hold_seconds: int = 0  # 0: book it; else only hold it for so long
    override: Override | None = None  # what an operator lets it break
    participants: Participants | None = None


class ConfirmReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Take an offer that is held. An empty `etag` matches any version."""

    reservation_id: str
    company: str
    etag: str = ""


class BookSeries(Struct, frozen=True, gc=False, kw_only=True):
    """Book every occurrence of a series, with what its policy makes of those that cannot be granted.

    `series` comes with the times that its rule gave, and `reservation_ids` has an id for each.
    """

    series: Series
    reservation_ids: tuple[str, ...]


class ChangeSeries(Struct, frozen=True, gc=False, kw_only=True):
    """Let what of a series begins at `since` or later, and has not begun, be as asked; None leaves each as it is.

    Where the rule is another one, `starts` are all of its times; where it has another `first` time, or is read by the
    clock of another `time_zone`, occurrences move to them. What was changed of one occurrence alone stays so unless
    this `overwrites` it. `reservation_ids` has an id for each occurrence that may have to be booked. An empty `etag`
    matches any version; what is excused is no strike.
    """

    series_id: str
    company: str
    reservation_ids: tuple[str, ...]
    etag: str = ""
    since: int = 0
    first: str | None = None
    time_zone: str | None = None
    recurrence: tuple[str, ...] | None = None
    starts: tuple[int, ...] | None = None
    tzdata: str = ""
    duration: int | None = None
    lines: tuple[Line, ...] | None = None
    note: str | None = None
    policy: Policy | None = None
    overwrites: bool = False
    excused: bool = False
    participants: Participants | None = None


class CancelSeries(Struct, frozen=True, gc=False, kw_only=True):
    """Give back what of a series begins at `since` or later and has not begun. An empty `etag` matches any version."""

    series_id: str
    company: str
    since: int = 0
    etag: str = ""
    reason: str = ""
    excused: bool = False


class ChangeReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Let a reservation be for another interval, other lines or people, or with another note; None leaves each be.

    A `duration` in seconds, counted from the start, says the end in another way. An empty `etag` matches any version;
    what is excused is free to give back late, and no strike. What shall be so `at_once` is refused where somebody must
    agree to it first.
    """

    reservation_id: str
    company: str
    etag: str = ""
    start: int | None = None
    end: int | None = None
    duration: int | None = None
    lines: tuple[Line, ...] | None = None
    note: str | None = None
    excused: bool = False
    participants: Participants | None = None
    at_once: bool = False


class SplitReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Let a part of a reservation be one of its own, as `part_id`: what it holds from a time `at` on, or some `lines`.

    Of the lines only the resource and its units count: what leaves. An empty `etag` matches any version.
    """

    reservation_id: str
    company: str
    part_id: str
    at: int | None = None
    lines: tuple[Line, ...] = ()
    etag: str = ""


class OfferTransfer(Struct, frozen=True, gc=False, kw_only=True):
    """Let another company take a reservation over, for so many seconds; to its own company: no longer offer it."""

    reservation_id: str
    company: str
    to: str
    seconds: int
    etag: str = ""


class AcceptTransfer(Struct, frozen=True, gc=False, kw_only=True):
    """Take over what `company` offers to `receiver`; an empty receiver is whoever it is offered to."""

    reservation_id: str
    company: str
    receiver: str = ""
    etag: str = ""


class DeclineTransfer(Struct, frozen=True, gc=False, kw_only=True):
    """Do not take over what `company` offers to `receiver`; an empty receiver is whoever it is offered to."""

    reservation_id: str
    company: str
    receiver: str = ""
    etag: str = ""
    reason: str = ""


class ApproveReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Agree to a pending reservation, as one voter, at the time that it names or, for None, as it was asked for.

    An empty `etag` matches any version.
    """

    reservation_id: str
    company: str
    voter: str
    etag: str = ""
    comment: str = ""
    reference: str = ""
    time: Interval | None = None


class DenyReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Say no to a pending reservation, as one voter. An empty `etag` matches any version."""

    reservation_id: str
    company: str
    voter: str
    etag: str = ""
    comment: str = ""


class CancelReservation(Struct, frozen=True, gc=False, kw_only=True):
    """Give a reservation back before it starts. An empty `etag` matches any version; what is excused is no strike."""

    reservation_id: str
    company: str
    etag: str = ""
    reason: str = ""
    excused: bool = False


class ReleaseReservation(Struct, frozen=True, gc=False, kw_only=True):
    """End an active reservation early, saying how things were left. An empty `etag` matches any version.

    What is excused is free to give back, and no strike.
    """

    reservation_id: str
    company: str
    etag: str = ""
    reason: str = ""
    condition: Condition = Condition.UNSAID
    hand_over: str = ""
    excused: bool = False


class CheckIn(Struct, frozen=True, gc=False, kw_only=True):
    """Say that somebody has come to use a reservation: of a class, that so many are there, or that these have come."""

    reservation_id: str
    company: str
    etag: str = ""
    present: int = 0
    ids: tuple[str, ...] = ()


class PublishTerms(Struct, frozen=True, gc=False, kw_only=True):
    """Let these terms hold for everybody from a date on."""

    terms: Terms


class GrantQualification(Struct, frozen=True, gc=False, kw_only=True):
    """Let a company's people run a piece of equipment by themselves."""

    qualification: Qualification


class RevokeQualification(Struct, frozen=True, gc=False, kw_only=True):
    """Let a company's people run a piece of equipment by themselves no more."""

    company: str
    resource: str
    reason: str = ""


class AssignOfficer(Struct, frozen=True, gc=False, kw_only=True):
    """Let a support officer act for a company between two times."""

    assignment: Assignment


class DismissOfficer(Struct, frozen=True, gc=False, kw_only=True):
    """Let a support officer act for a company no more."""

    company: str
    officer: str
    reason: str = ""


class ForgiveStrike(Struct, frozen=True, gc=False, kw_only=True):
    """Take a strike back, and the suspension with it where the others do not carry it."""

    company: str
    reservation_id: str
    reason: str = ""


class RecordArrears(Struct, frozen=True, gc=False, kw_only=True):
    """Say that a company has not paid a bill."""

    company: str
    arrear: Arrear


class ClearArrears(Struct, frozen=True, gc=False, kw_only=True):
    """Say that a company has paid a bill, or need not."""

    company: str
    month: str
    reason: str = ""


class RecordMisuse(Struct, frozen=True, gc=False, kw_only=True):
    """Say that a company uses what it has for something else, and where that was found."""

    company: str
    reason: str
    reference: str = ""


class LiftMisuse(Struct, frozen=True, gc=False, kw_only=True):
    """Let a company that misused what it had book again."""

    company: str
    reason: str = ""


class ExemptFromReview(Struct, frozen=True, gc=False, kw_only=True):
    """Let the next review of a company's grants pass it by."""

    company: str
    reason: str


class RecordUse(Struct, frozen=True, gc=False, kw_only=True):
    """Write down what was measured of a reservation. The scheduler asks this of itself."""

    reservation_id: str
    record: Record


class Tick(Struct, frozen=True, gc=False, kw_only=True):
    """Let time pass: what starts, what ends, what nobody confirmed or came for, and what an outage began."""


Command = (
    RegisterResource
    | RegisterCompany
    | GrantQuota
    | PublishTariff
    | ClosePeriod
    | PostCorrection
    | PublishTerms
    | GrantQualification
    | RevokeQualification
    | AssignOfficer
    | DismissOfficer
    | ForgiveStrike
    | RecordArrears
    | ClearArrears
    | RecordMisuse
    | LiftMisuse
    | ExemptFromReview
    | DeclareOutage
    | LiftOutage
    | SetFunding
    | CreateReservation
    | ConfirmReservation
    | ChangeReservation
    | SplitReservation
    | OfferTransfer
    | AcceptTransfer
    | DeclineTransfer
    | ApproveReservation
    | DenyReservation
    | CancelReservation
    | ReleaseReservation
    | RecordUse
    | CheckIn
    | BookSeries
    | ChangeSeries
    | CancelSeries
    | Tick
)
