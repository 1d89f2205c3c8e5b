"""What may happen in the centre. A fact, in the past tense, under a name that never changes on the log.

The `tag` of a struct is its name on the wire and its field names are the wire's keys: both are published for ever.
Change is additive: a new field has a default, a new event has a new tag. `services/eventlog/schema.json` records the
published form, and the golden samples under `tests/eventlog/golden/` stay readable.
"""

from msgspec import Struct

from services.allocation.companies import Company, Quota
from services.allocation.reservations import Allocation, Condition, Line, Overburn, Override
from services.allocation.resources import Interval, Resource
from services.allocation.series import Series
from services.allocation.values.approval import Approval, Vote
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.conduct import Assignment, Cause, Qualification
from services.allocation.values.correction import Correction
from services.allocation.values.funding import Funding
from services.allocation.values.months import ClosedMonth
from services.allocation.values.origin import Origin
from services.allocation.values.outage import Outage
from services.allocation.values.people import Participants
from services.allocation.values.reclaim import MeterReview, Removal
from services.allocation.values.tariff import Tariff
from services.allocation.values.terms import Terms
from services.allocation.values.transfer import Outcome
from services.allocation.values.use import MeasuredUse


class Fact(Struct, frozen=True, gc=False, kw_only=True, tag_field="type"):
    """Something that happened."""


class ResourceRegistered(Fact, frozen=True, kw_only=True, tag="resource_registered"):
    """A resource can be booked."""

    resource: Resource


class CompanyRegistered(Fact, frozen=True, kw_only=True, tag="company_registered"):
    """A company may book."""

    company: Company


class QuotaGranted(Fact, frozen=True, kw_only=True, tag="quota_granted"):
    """A company was given unit-seconds for a period."""

    quota: Quota


class ReviewAnnounced(Fact, frozen=True, kw_only=True, tag="review_announced"):
    """At `at` a company's grants will be reviewed; so they stand now, and would fall under these rows."""

    company: str
    at: int
    due: int
    meters: tuple[MeterReview, ...]


class QuotaReviewed(Fact, frozen=True, kw_only=True, tag="quota_reviewed", omit_defaults=True):
    """A company's grants were reviewed for a date, and lost what `removals` names, by the rows in `meters`.

    It went to the reserve of the company's programme, if the terms of that date said so.
    """

    company: str
    at: int
    meters: tuple[MeterReview, ...]
    removals: tuple[Removal, ...]
    to_reserve: bool = False


class TariffPublished(Fact, frozen=True, kw_only=True, tag="tariff_published"):
    """A rate card applies to what is booked from here on, and starts from its `valid_from` on."""

    tariff: Tariff


class PeriodClosed(Fact, frozen=True, kw_only=True, tag="period_closed"):
    """The books are frozen up to the end of a month; what is learnt about it later counts in the open one."""

    period: ClosedMonth


class CorrectionPosted(Fact, frozen=True, kw_only=True, tag="correction_posted"):
    """An operator credited a company, or debited it: beyond what its bookings cost."""

    correction: Correction


class UseMeasured(Fact, frozen=True, kw_only=True, tag="use_measured"):
    """What the nodes reported about a reservation between two times. It changes nothing that the reservation holds.

    `in_use` says once in its life whether it was taken into use soon after its start; else it is None.
    """

    reservation_id: str
    company: str
    since: int
    until: int
    resources: tuple[MeasuredUse, ...]
    in_use: bool | None = None


class TermsPublished(Fact, frozen=True, kw_only=True, tag="terms_published"):
    """From a date on, these terms hold for everybody."""

    terms: Terms


class QualificationGranted(Fact, frozen=True, kw_only=True, tag="qualification_granted"):
    """A company's people were trained for a piece of equipment."""

    qualification: Qualification


class QualificationRevoked(Fact, frozen=True, kw_only=True, tag="qualification_revoked"):
    """A company's people may no longer run a piece of equipment by themselves."""

    company: str
    resource: str
    reason: str


class OfficerAssigned(Fact, frozen=True, kw_only=True, tag="officer_assigned"):
    """A support officer may act for a company between two times, whatever was said about them before."""

    assignment: Assignment


class OfficerDismissed(Fact, frozen=True, kw_only=True, tag="officer_dismissed", omit_defaults=True):
    """A support officer no longer acts for a company."""

    company: str
    officer: str
    reason: str = ""


class StrikeGiven(Fact, frozen=True, kw_only=True, tag="strike_given"):
    """A company let equipment stand idle that others could have had."""

    company: str
    reservation_id: str
    cause: Cause


class StrikeForgiven(Fact, frozen=True, kw_only=True, tag="strike_forgiven"):
    """A strike was taken back."""

    company: str
    reservation_id: str
    reason: str


class SuspensionSet(Fact, frozen=True, kw_only=True, tag="suspension_set"):
    """A company books no equipment before `until`; 0 lifts what was set before."""

    company: str
    until: int


class ArrearsRecorded(Fact, frozen=True, kw_only=True, tag="arrears_recorded", omit_defaults=True):
    """A company has not paid the bill of a month, of so many KRW, which was due by `since`."""

    company: str
    month: str
    krw: int
    since: int
    reference: str = ""


class ArrearsReached(Fact, frozen=True, kw_only=True, tag="arrears_reached", omit_defaults=True):
    """A bill has been overdue for so many months; a surcharge stands beside this as a correction."""

    company: str
    month: str
    months: int
    surcharge_krw: int = 0
    suspends: bool = False  # From here on the company books nothing until the bill is cleared.


class ArrearsCleared(Fact, frozen=True, kw_only=True, tag="arrears_cleared", omit_defaults=True):
    """A bill was paid or waived: nothing more follows from it."""

    company: str
    month: str
    reason: str = ""


class MisuseRecorded(Fact, frozen=True, kw_only=True, tag="misuse_recorded", omit_defaults=True):
    """A company used what it had for something else; by the terms of the day all of that is taken back."""

    company: str
    reason: str
    reference: str = ""
    revokes: bool = False


class MisuseLifted(Fact, frozen=True, kw_only=True, tag="misuse_lifted", omit_defaults=True):
    """A company may book again."""

    company: str
    reason: str = ""


class ReviewExempted(Fact, frozen=True, kw_only=True, tag="review_exempted"):
    """The review of a company's grants at `at` will take nothing from it."""

    company: str
    at: int
    reason: str


class OutageDeclared(Fact, frozen=True, kw_only=True, tag="outage_declared"):
    """Units are out, from a time on."""

    outage: Outage


class CapacityFunded(Fact, frozen=True, kw_only=True, tag="capacity_funded"):
    """From a time on, so many units of a resource are funded."""

    funding: Funding


class OutageLifted(Fact, frozen=True, kw_only=True, tag="outage_lifted", omit_defaults=True):
    """The units of an outage are back, or never went: nothing of it is left after `lifted_at`."""

    outage: str
    lifted_at: int
    reason: str = ""


class SeriesBooked(Fact, frozen=True, kw_only=True, tag="series_booked"):
    """A company books the same again and again; the bookings themselves are the events before this one."""

    series: Series


class SeriesChanged(Fact, frozen=True, kw_only=True, tag="series_changed"):
    """A series as it is now. What of it begins at `since` or later was changed by the events before this one."""

    series: Series
    since: int


class SeriesCancelled(Fact, frozen=True, kw_only=True, tag="series_cancelled", omit_defaults=True):
    """What of a series begins at `since` or later was given back, by the events before this one."""

    series_id: str
    company: str
    since: int
    reason: str = ""


class OfReservation(Fact, frozen=True, kw_only=True):
    """What happens to one reservation: `services.allocation.life` follows it through these."""

    reservation_id: str


class ReservationConfirmed(OfReservation, frozen=True, kw_only=True, tag="reservation_confirmed", omit_defaults=True):
    """A company has booked these units for this interval: at once, by taking what was held for it, or by approval.

    `desired` is the interval that was asked for, where whoever approved it confirmed another one. What has an
    `origin` was split off from a reservation that had these units for this interval: nothing of it is new. It was
    booked at `booked_at`, and approved if somebody had to.
    """

    company: str
    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    note: str = ""
    override: Override | None = None
    desired: Interval | None = None
    participants: Participants | None = None
    overburn: tuple[Overburn, ...] = ()
    origin: Origin | None = None
    booked_at: int = 0
    approval: Approval | None = None


class ReservationHeld(OfReservation, frozen=True, kw_only=True, tag="reservation_held", omit_defaults=True):
    """An offer is held for a company: nobody else can take these units until `expires_at`."""

    company: str
    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    expires_at: int
    note: str = ""
    participants: Participants | None = None
    overburn: tuple[Overburn, ...] = ()


class ReservationRequested(OfReservation, frozen=True, kw_only=True, tag="reservation_requested", omit_defaults=True):
    """A company asks for these units, and holds them until somebody decides: by `expires_at`, or it is denied.

    What waits already is asked for anew when it is changed, and the `void_votes` so far count no more.
    """

    company: str
    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    expires_at: int
    approval: Approval
    note: str = ""
    override: Override | None = None
    participants: Participants | None = None
    void_votes: int = 0
    overburn: tuple[Overburn, ...] = ()


class VoteCast(OfReservation, frozen=True, kw_only=True, tag="vote_cast"):
    """Somebody said yes or no to a pending booking."""

    vote: Vote


class ReservationDenied(OfReservation, frozen=True, kw_only=True, tag="reservation_denied", omit_defaults=True):
    """A pending booking was not approved, or not in time; nothing was used."""

    reason: str = ""


class ReservationExpired(OfReservation, frozen=True, kw_only=True, tag="reservation_expired"):
    """Nobody confirmed a held offer in time; nothing was used."""


class ReservationChanged(OfReservation, frozen=True, kw_only=True, tag="reservation_changed", omit_defaults=True):
    """A reservation is for these units and this interval from now on; what it was before is free again.

    What it gives back late costs what cancelling it would, unless an operator excused that. Once it has begun, `late`
    says that this is so: it was free, and older events do not say it. `participants` are there where the class is
    another one now, with those of it who have come. What had to be approved first is as late as it was when it was
    asked for, at `asked_at`; 0: it was decided at once. What it holds no more as the reservation `parted` has it from
    now on, which the same decision confirms: nothing of that is given back.
    """

    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    note: str = ""
    excused: bool = False
    overburn: tuple[Overburn, ...] = ()
    late: bool = False
    participants: Participants | None = None
    asked_at: int = 0
    parted: str = ""


class ChangeRequested(OfReservation, frozen=True, kw_only=True, tag="change_requested", omit_defaults=True):
    """A company asks for a change that somebody must agree to, by `expires_at`; until then the reservation stands.

    `allocations` are what it would hold, and `beside` what is held for that meanwhile beyond what it holds. What was
    asked before is replaced, and the `void_votes` on that count no more.
    """

    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    beside: tuple[Allocation, ...]
    expires_at: int
    approval: Approval
    note: str = ""
    excused: bool = False
    overburn: tuple[Overburn, ...] = ()
    void_votes: int = 0


class ChangeEnded(OfReservation, frozen=True, kw_only=True, tag="change_ended", omit_defaults=True):
    """A change that was asked for did not come about; the reservation stands as it stood."""

    outcome: ChangeOutcome
    reason: str = ""
    outage: str = ""
    funding: str = ""  # the key of the step


class AllocationsMoved(OfReservation, frozen=True, kw_only=True, tag="allocations_moved", omit_defaults=True):
    """A reservation now stands on other units of the same resources, for the same spans.

    One that runs is moved for a failure only, which `outage` names: from its beginning on.
    """

    allocations: tuple[Allocation, ...]
    outage: str = ""


class ReservationActivated(OfReservation, frozen=True, kw_only=True, tag="reservation_activated"):
    """The interval began; the units are bound from here on."""


class ReservationCompleted(OfReservation, frozen=True, kw_only=True, tag="reservation_completed"):
    """The interval ended; all that was held was used."""


class ReservationCancelled(OfReservation, frozen=True, kw_only=True, tag="reservation_cancelled", omit_defaults=True):
    """The reservation was given back before its start; nothing was used. What an operator excused costs nothing."""

    reason: str = ""
    excused: bool = False


class ReservationReleased(OfReservation, frozen=True, kw_only=True, tag="reservation_released", omit_defaults=True):
    """An active reservation ended early: used until `released_at`, free again from there on.

    The rest is given back `late`, and costs what that costs, unless an operator excused it. It was free, and older
    events do not say it.
    """

    released_at: int
    reason: str = ""
    condition: Condition = Condition.UNSAID
    hand_over: str = ""
    late: bool = False


class ReservationCheckedIn(OfReservation, frozen=True, kw_only=True, tag="reservation_checked_in", omit_defaults=True):
    """Somebody came to use what was reserved. Of a class, so many are there now; `ids` are those who just came."""

    present: int = 0
    ids: tuple[str, ...] = ()


class ReservationMissed(OfReservation, frozen=True, kw_only=True, tag="reservation_missed", omit_defaults=True):
    """Nobody came in time: reserved until `released_at`, free again from there on; without a reason, no check-in."""

    released_at: int
    reason: str = ""


class ReservationWarned(OfReservation, frozen=True, kw_only=True, tag="reservation_warned", omit_defaults=True):
    """So little of a reservation was used that it is given back at `release_at`, unless that changes; 0: it has."""

    release_at: int
    used_percent: int = 0


class ReservationCurtailed(OfReservation, frozen=True, kw_only=True, tag="reservation_curtailed", omit_defaults=True):
    """An active reservation will end when an outage, or a drop in funding, begins; the rest was given back."""

    until: int
    outage: str = ""
    funding: str = ""  # the key of the step


class ReservationDisplaced(OfReservation, frozen=True, kw_only=True, tag="reservation_displaced", omit_defaults=True):
    """A reservation lost its units from `displaced_at` on and there were no others; what was used stays used."""

    displaced_at: int
    outage: str = ""
    funding: str = ""  # the key of the step, if it is no longer funded


class TransferOffered(OfReservation, frozen=True, kw_only=True, tag="transfer_offered"):
    """A company lets another one take a reservation over, until `expires_at`. It stays whose it is."""

    to: str
    expires_at: int


class TransferEnded(OfReservation, frozen=True, kw_only=True, tag="transfer_ended", omit_defaults=True):
    """The offer was declined or withdrawn, or its time is over; the reservation stays whose it is."""

    outcome: Outcome
    reason: str = ""


class TransferAccepted(OfReservation, frozen=True, kw_only=True, tag="transfer_accepted"):
    """The other company takes it: the last that its company hears of it. `ReservationTransferred` always follows."""

    to: str


class ReservationTransferred(
    OfReservation, frozen=True, kw_only=True, tag="reservation_transferred", omit_defaults=True
):
    """A reservation is another company's from now on: the first that the new company hears of it, so it tells all."""

    company: str
    former: str
    start: int
    end: int
    lines: tuple[Line, ...]
    allocations: tuple[Allocation, ...]
    overburn: tuple[Overburn, ...] = ()


ReservationEvent = (
    ReservationConfirmed
    | ReservationHeld
    | ReservationExpired
    | ReservationChanged
    | ChangeRequested
    | ChangeEnded
    | ReservationRequested
    | VoteCast
    | ReservationDenied
    | AllocationsMoved
    | ReservationActivated
    | ReservationCompleted
    | ReservationCancelled
    | ReservationReleased
    | ReservationCheckedIn
    | ReservationMissed
    | ReservationWarned
    | ReservationCurtailed
    | ReservationDisplaced
    | TransferOffered
    | TransferEnded
    | TransferAccepted
    | ReservationTransferred
)
"""The events in the life of a reservation: each names it, and `services.allocation.life` follows it through them."""

ConductEvent = (
    QualificationGranted
    | QualificationRevoked
    | OfficerAssigned
    | OfficerDismissed
    | StrikeGiven
    | StrikeForgiven
    | SuspensionSet
    | ArrearsRecorded
    | ArrearsReached
    | ArrearsCleared
    | MisuseRecorded
    | MisuseLifted
    | ReviewExempted
)
"""The events in a company's record."""

RecordEvent = TermsPublished | ConductEvent | CorrectionPosted
"""The events in the centre's records: see `services.allocation.tables.records`."""

OutageEvent = OutageDeclared | OutageLifted | CapacityFunded
"""The events of what is out or not funded: see `services.allocation.tables.outages`."""

SeriesEvent = SeriesBooked | SeriesChanged | SeriesCancelled
"""The events of a series: see `services.allocation.series`."""

ReviewEvent = ReviewAnnounced | QuotaReviewed
"""The events of reclaim: see `services.allocation.limits.reclaiming`."""

CatalogueEvent = ResourceRegistered | CompanyRegistered | QuotaGranted | TariffPublished | PeriodClosed | UseMeasured

Event = CatalogueEvent | ReviewEvent | RecordEvent | OutageEvent | SeriesEvent | ReservationEvent

Events = tuple[Event, ...]
"""What one decision makes."""
