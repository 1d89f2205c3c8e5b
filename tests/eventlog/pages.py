"""Pages for tests: a short chain, and one sample of every event in its published form."""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation.companies import Company, Quota
from services.allocation.events import (
    AllocationsMoved,
    ArrearsCleared,
    ArrearsReached,
    ArrearsRecorded,
    CapacityFunded,
    ChangeEnded,
    ChangeRequested,
    CompanyRegistered,
    CorrectionPosted,
    Event,
    MisuseLifted,
    MisuseRecorded,
    OfficerAssigned,
    OfficerDismissed,
    OutageDeclared,
    OutageLifted,
    PeriodClosed,
    QualificationGranted,
    QualificationRevoked,
    QuotaGranted,
    QuotaReviewed,
    ReservationActivated,
    ReservationCancelled,
    ReservationChanged,
    ReservationCheckedIn,
    ReservationCompleted,
    ReservationConfirmed,
    ReservationCurtailed,
    ReservationDenied,
    ReservationDisplaced,
    ReservationExpired,
    ReservationHeld,
    ReservationMissed,
    ReservationReleased,
    ReservationRequested,
    ReservationTransferred,
    ReservationWarned,
    ResourceRegistered,
    ReviewAnnounced,
    ReviewExempted,
    SeriesBooked,
    SeriesCancelled,
    SeriesChanged,
    StrikeForgiven,
    StrikeGiven,
    SuspensionSet,
    TariffPublished,
    TermsPublished,
    TransferAccepted,
    TransferEnded,
    TransferOffered,
    UseMeasured,
    VoteCast,
)
from services.allocation.reservations import Allocation, Colocation, Line, Overburn
from services.allocation.resources import Closure, Companion, Kind, Node, OpeningHours, Resource, Unit
from services.allocation.series import Effect, Occurrence, Policy, Series
from services.allocation.values.approval import Approval, Rule, Vote
from services.allocation.values.change import ChangeOutcome
from services.allocation.values.conduct import Assignment, Cause, Qualification
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.funding import Funding
from services.allocation.values.months import ClosedMonth
from services.allocation.values.origin import Origin
from services.allocation.values.outage import Outage, OutageKind, Scope, Taken
from services.allocation.values.people import Participants
from services.allocation.values.reclaim import MeterReview, Removal
from services.allocation.values.tariff import Basis, Discount, Peak, Price, Tariff
from services.allocation.values.terms import ArrearsRule, NoProcessRule, ReclaimRow, ReclaimRule, StrikeRule, Terms
from services.allocation.values.transfer import Outcome
from services.allocation.values.use import MeasuredUse
from services.eventlog.page import FORMAT, GENESIS, Entry, Page, encode_page, page_hash

CENTRE = "test"
MONDAY_9 = 1_772_409_600  # 2026-03-02T00:00:00Z, 09:00 in Seoul
HOUR = 3_600

ALLOCATION = Allocation(
    resource="h100", units=2, spans=((MONDAY_9, MONDAY_9 + HOUR),), bins=(8, 9), amounts=(1, 1), meter="h100"
)

SAMPLES: tuple[Event, ...] = (
    ResourceRegistered(
        resource=Resource(
            id="M01",
            kind=Kind.EQUIPMENT,
            unit=Unit.SEAT,
            nodes=(Node(id="M01", rack="R1", zone="Z1", fabric_group="F1"),),
            slot_minutes=60,
            time_zone="Asia/Seoul",
            hours=OpeningHours(weekdays=(0, 1, 2, 3, 4), opens=540, closes=1080, break_starts=720, break_ends=780),
            closed_days=("2026-03-01",),
            closures=(Closure(start=MONDAY_9, end=MONDAY_9 + HOUR, zone="Z1", reason="inspection"),),
            companions=(Companion(resource="OPERATORS", units=2),),
            display_name="Driving simulator",
            local_name="주행 시뮬레이터",
            attributes={"vendor": "sample"},
        )
    ),
    CompanyRegistered(
        company=Company(
            id="CMP-0001", display_name="Sample Mobility", agreement_start=MONDAY_9, agreement_end=MONDAY_9 + 86_400
        )
    ),
    QuotaGranted(
        quota=Quota(company="CMP-0001", meter="h100", start=MONDAY_9, end=MONDAY_9 + 86_400, unit_seconds=360_000)
    ),
    TariffPublished(
        tariff=Tariff(
            id="krw-2026",
            valid_from=MONDAY_9,
            prices=(Price(resource="h100", krw=3000), Price(resource="M01", krw=600_000, basis=Basis.SLOT)),
            discounts=(Discount(attribute="stage", value="university", percent=100),),
            share_step=125,
            compute_late_percent=100,
            equipment_late_percent=80,
            no_show_percent=60,
        )
    ),
    PeriodClosed(period=ClosedMonth(month="2026-02", start=1_769_871_600, end=1_772_290_800)),
    UseMeasured(
        reservation_id="r-1",
        company="CMP-0001",
        since=MONDAY_9,
        until=MONDAY_9 + HOUR,
        resources=(MeasuredUse(resource="h100", measured=28_800, busy=19_000, idle=3_600),),
        in_use=True,
    ),
    ReviewAnnounced(
        company="CMP-0001",
        at=MONDAY_9 + 14 * 86_400,
        due=MONDAY_9,
        meters=(MeterReview(meter="h100", granted=360_000, booked=36_000),),
    ),
    QuotaReviewed(
        company="CMP-0001",
        at=MONDAY_9,
        meters=(
            MeterReview(
                meter="h100",
                granted=360_000,
                booked=30_000,
                row=ReclaimRow(at_percent=40, below_percent=10, remove_percent=25),
            ),
        ),
        removals=(Removal(meter="h100", start=MONDAY_9, unit_seconds=82_500),),
    ),
    CorrectionPosted(
        correction=Correction(
            id="c-2",
            company="CMP-0001",
            krw=-50_000,
            kind=CorrectionKind.ERROR,
            reason="the credit was for another company",
            reservation_id="r-1",
            reverses="c-1",
        )
    ),
    TermsPublished(
        terms=Terms(
            effective=MONDAY_9,
            extend_window_hours=24,
            extend_days_max=3,
            check_in_early_minutes=30,
            strike_rules=(StrikeRule(strikes=2, window_days=90, suspension_days=30),),
        )
    ),
    QualificationGranted(
        qualification=Qualification(company="CMP-0001", resource="M01", start=MONDAY_9, end=MONDAY_9 + 86_400)
    ),
    QualificationRevoked(company="CMP-0001", resource="M01", reason="the trainee left"),
    SeriesBooked(
        series=Series(
            id="s-1",
            company="CMP-0001",
            first="2026-03-02T09:00",
            duration=HOUR,
            time_zone="Asia/Seoul",
            tzdata="2025b",
            recurrence=("RRULE:FREQ=DAILY;COUNT=3",),
            lines=(Line(resource="h100", units=2),),
            policy=Policy.SHIFT,
            occurrences=(
                Occurrence(start=MONDAY_9, end=MONDAY_9 + HOUR, reservation_id="r-1"),
                Occurrence(start=MONDAY_9 + 90_000, end=MONDAY_9 + 93_600, reservation_id="r-2", shifted_from=MONDAY_9),
                Occurrence(start=MONDAY_9 + 172_800, end=MONDAY_9 + 176_400, reasons=("NO_CAPACITY",)),
            ),
            note="team exercise",
        )
    ),
    SeriesChanged(
        series=Series(
            id="s-1",
            company="CMP-0001",
            first="2026-03-02T10:00",
            duration=HOUR,
            time_zone="Asia/Seoul",
            tzdata="2025b",
            recurrence=("RRULE:FREQ=DAILY;COUNT=3",),
            lines=(Line(resource="h100", units=4),),
            policy=Policy.SKIP,
            occurrences=(
                Occurrence(
                    start=MONDAY_9,
                    end=MONDAY_9 + HOUR,
                    reservation_id="r-1",
                    lines=(Line(resource="h100", units=2),),
                    note="as it was",
                ),
                Occurrence(start=MONDAY_9 + 90_000, end=MONDAY_9 + 93_600, reservation_id="r-2", effect=Effect.CHANGED),
                Occurrence(
                    start=MONDAY_9 + 172_800,
                    end=MONDAY_9 + 176_400,
                    reservation_id="r-3",
                    reasons=("NO_CAPACITY",),
                    effect=Effect.LEFT,
                ),
            ),
            changed_from=MONDAY_9 + 86_400,
            given_back=(
                Occurrence(
                    start=MONDAY_9 + 259_200,
                    end=MONDAY_9 + 262_800,
                    reservation_id="r-4",
                    effect=Effect.GIVEN_BACK,
                ),
            ),
            version=2,
        ),
        since=MONDAY_9 + 86_400,
    ),
    SeriesCancelled(series_id="s-1", company="CMP-0001", since=MONDAY_9 + 86_400, reason="the team is ill"),
    StrikeGiven(company="CMP-0001", reservation_id="r-4", cause=Cause.NO_SHOW),
    StrikeForgiven(company="CMP-0001", reservation_id="r-4", reason="the door was locked"),
    ArrearsRecorded(company="CMP-0001", month="2026-01", krw=1_000_000, since=MONDAY_9 - 86_400, reference="INV-17"),
    ArrearsReached(company="CMP-0001", month="2026-01", months=6, surcharge_krw=100_000, suspends=True),
    ArrearsCleared(company="CMP-0001", month="2026-01", reason="paid"),
    MisuseRecorded(company="CMP-0001", reason="mining", reference="AUD-4", revokes=True),
    MisuseLifted(company="CMP-0001", reason="settled"),
    ReviewExempted(company="CMP-0001", at=MONDAY_9 + 30 * 86_400, reason="it moves house"),
    SuspensionSet(company="CMP-0001", until=MONDAY_9 + 30 * 86_400),
    OutageDeclared(
        outage=Outage(
            id="hall-2-march",
            kind=OutageKind.MAINTENANCE,
            reason="power works",
            start=MONDAY_9,
            end=MONDAY_9 + 9 * HOUR,
            lead_in_hours=4,
            scopes=(Scope(zone="Z1"), Scope(resource="OPERATORS", count=1), Scope(resource="h100", nodes=("h100-1",))),
            taken=(Taken(resource="h100", nodes=(0, 1)), Taken(resource="OPERATORS", nodes=(3,))),
            declared_at=MONDAY_9 - HOUR,
        )
    ),
    OutageLifted(outage="hall-2-march", lifted_at=MONDAY_9 + HOUR, reason="done early"),
    CapacityFunded(funding=Funding(resource="h100", start=MONDAY_9, units=8, reason="lease ends", displace=True)),
    ReservationConfirmed(
        reservation_id="r-1",
        company="CMP-0001",
        start=MONDAY_9,
        end=MONDAY_9 + HOUR,
        lines=(Line(resource="h100", units=2, units_per_node=2, colocation=Colocation.NODE),),
        allocations=(ALLOCATION,),
        note="first run",
    ),
    ReservationHeld(
        reservation_id="r-4",
        company="CMP-0001",
        start=MONDAY_9,
        end=MONDAY_9 + HOUR,
        lines=(Line(resource="h100", units=2),),
        allocations=(ALLOCATION,),
        expires_at=MONDAY_9 - 600,
        note="an offer",
    ),
    ReservationExpired(reservation_id="r-5"),
    ReservationChanged(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + HOUR,
        lines=(Line(resource="h100", units=2),),
        allocations=(ALLOCATION,),
        note="second run",
    ),
    ChangeRequested(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 2 * HOUR,
        lines=(Line(resource="h100", units=2),),
        allocations=(replace(ALLOCATION, spans=((MONDAY_9, MONDAY_9 + 2 * HOUR),)),),
        beside=(replace(ALLOCATION, spans=((MONDAY_9 + HOUR, MONDAY_9 + 2 * HOUR),)),),
        expires_at=MONDAY_9,
        approval=Approval(rule=Rule.MANAGER),
        note="it takes longer",
        void_votes=1,
    ),
    ChangeEnded(reservation_id="r-1", outcome=ChangeOutcome.DENIED, reason="Others wait for it."),
    ReservationRequested(
        reservation_id="r-6",
        company="CMP-0001",
        start=MONDAY_9,
        end=MONDAY_9 + HOUR,
        lines=(Line(resource="h100", units=2),),
        allocations=(ALLOCATION,),
        expires_at=MONDAY_9 - 600,
        approval=Approval(rule=Rule.COMMITTEE, voters=5, quorum=3, reference_required=True),
        note="a study",
    ),
    VoteCast(
        reservation_id="r-6",
        vote=Vote(voter="9f86d081884c7d65", approves=True, at=MONDAY_9, comment="sound", reference="IRB-2026-17"),
    ),
    ReservationDenied(reservation_id="r-7", reason="too many people in one room"),
    AllocationsMoved(reservation_id="r-1", allocations=(ALLOCATION,)),
    ReservationActivated(reservation_id="r-1"),
    ReservationCompleted(reservation_id="r-1"),
    ReservationCancelled(reservation_id="r-2", reason="no longer needed"),
    ReservationReleased(reservation_id="r-3", released_at=MONDAY_9 + 600, reason="done early"),
    ReservationCheckedIn(reservation_id="r-3"),
    ReservationMissed(reservation_id="r-4", released_at=MONDAY_9 + 900),
    ReservationWarned(reservation_id="r-4", release_at=MONDAY_9 + 86_400, used_percent=3),
    ReservationCurtailed(reservation_id="r-4", until=MONDAY_9, outage="hall-2-march"),
    ReservationDisplaced(reservation_id="r-5", displaced_at=MONDAY_9, outage="hall-2-march"),
    OfficerAssigned(assignment=Assignment(company="CMP-0001", officer="kim", start=MONDAY_9, end=MONDAY_9 + 86_400)),
    OfficerDismissed(company="CMP-0001", officer="kim", reason="left the centre"),
    TransferOffered(reservation_id="r-6", to="CMP-0002", expires_at=MONDAY_9),
    TransferEnded(reservation_id="r-6", outcome=Outcome.DECLINED, reason="too late for us"),
    TransferAccepted(reservation_id="r-7", to="CMP-0002"),
    ReservationTransferred(
        reservation_id="r-7",
        company="CMP-0002",
        former="CMP-0001",
        start=MONDAY_9,
        end=MONDAY_9 + 7200,
        lines=(Line(resource="h100-train", units=16),),
        allocations=(
            Allocation(
                resource="h100-train",
                units=16,
                spans=((MONDAY_9, MONDAY_9 + 7200),),
                bins=(0, 1),
                amounts=(8, 8),
                meter="h100-train",
            ),
        ),
    ),
)


FORMS: dict[str, Event] = {
    "terms_published-exemption": TermsPublished(
        terms=Terms(effective=MONDAY_9, reclaim=ReclaimRule(rows=(), exemption_days=7))
    ),
    "reservation_confirmed-overburn": ReservationConfirmed(
        reservation_id="r-1",
        company="CMP-0001",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        overburn=(Overburn(meter="h100-train", unit_seconds=14_400),),
    ),
    "reservation_confirmed-part": ReservationConfirmed(
        reservation_id="r-9",
        company="CMP-0001",
        start=MONDAY_9 + 3600,
        end=MONDAY_9 + 7200,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        origin=Origin(of="r-8", first="r-1", ahead=3600, card="krw-2026"),
        booked_at=MONDAY_9 - 86_400,
        approval=Approval(rule=Rule.MANAGER),
    ),
    "reservation_changed-parted": ReservationChanged(
        reservation_id="r-8",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        parted="r-9",
    ),
    "terms_published-arrears": TermsPublished(
        terms=Terms(
            effective=MONDAY_9,
            arrears=(ArrearsRule(months=3, surcharge_percent=10), ArrearsRule(months=6, suspends=True)),
        )
    ),
    "terms_published-misuse": TermsPublished(terms=Terms(effective=MONDAY_9, misuse_revokes=True)),
    "correction_posted-hours": CorrectionPosted(
        correction=Correction(
            id="c-3",
            company="CMP-0001",
            krw=36_000,
            kind=CorrectionKind.ERROR,
            reason="an outage of the meter",
            unit_seconds=12 * 3600,
            meter="h100-train",
            start=MONDAY_9,
        )
    ),
    "correction_posted-reserve": CorrectionPosted(
        correction=Correction(
            id="c-4",
            company="CMP-0001",
            krw=36_000,
            kind=CorrectionKind.GOODWILL,
            reason="it can use what another did not",
            unit_seconds=12 * 3600,
            meter="h100-train",
            start=MONDAY_9,
            from_reserve=True,
        )
    ),
    "quota_reviewed-reserve": QuotaReviewed(
        company="CMP-0001",
        at=MONDAY_9,
        meters=(MeterReview(meter="h100-train", granted=360_000, booked=30_000),),
        removals=(Removal(meter="h100-train", start=MONDAY_9, unit_seconds=82_500),),
        to_reserve=True,
    ),
    "terms_published-reserve": TermsPublished(
        terms=Terms(effective=MONDAY_9, reclaim=ReclaimRule(rows=(), to_reserve=True))
    ),
    "reservation_missed-reason": ReservationMissed(
        reservation_id="r-7", released_at=MONDAY_9 + 3600, reason="no process ran on it for 60 minutes"
    ),
    "terms_published-no_process": TermsPublished(
        terms=Terms(effective=MONDAY_9, no_process=NoProcessRule(minutes=60, exempt=("academy",)))
    ),
    "tariff_published-returns": TariffPublished(
        tariff=Tariff(
            id="krw-2028",
            valid_from=MONDAY_9,
            prices=(Price(resource="h100", krw=3000),),
            compute_late_percent=100,
            late_return_percent=80,
            displacement_percent=10,
        )
    ),
    "reservation_changed-excused": ReservationChanged(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        excused=True,
    ),
    "reservation_changed-asked": ReservationChanged(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        asked_at=MONDAY_9 - 3600,
    ),
    "change_requested-excused": ChangeRequested(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        beside=(),
        expires_at=MONDAY_9,
        approval=Approval(rule=Rule.COMMITTEE, voters=3, quorum=2),
        excused=True,
        overburn=(Overburn(meter="h100-train", unit_seconds=3600),),
    ),
    "change_ended-outage": ChangeEnded(reservation_id="r-1", outcome=ChangeOutcome.OUTAGE, outage="cooling"),
    "change_ended-funding": ChangeEnded(
        reservation_id="r-1", outcome=ChangeOutcome.UNFUNDED, funding="h100-train@1772409600"
    ),
    "reservation_changed-late": ReservationChanged(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="h100-train", units=8),),
        allocations=(),
        late=True,
    ),
    "reservation_changed-class": ReservationChanged(
        reservation_id="r-1",
        start=MONDAY_9,
        end=MONDAY_9 + 3600,
        lines=(Line(resource="theatre", units=30),),
        allocations=(),
        participants=Participants(count=3, ids=("p-1", "p-2", "p-3"), present=1, present_ids=("p-1",)),
    ),
    "reservation_released-late": ReservationReleased(reservation_id="r-3", released_at=MONDAY_9 + 600, late=True),
    "tariff_published-peaks": TariffPublished(
        tariff=Tariff(
            id="krw-2027",
            valid_from=MONDAY_9,
            prices=(Price(resource="h100", krw=3000),),
            peaks=(
                Peak(weekdays=(0, 1, 2, 3, 4), starts=540, ends=1080, percent=120, resources=("h100",)),
                Peak(weekdays=(0, 1, 2, 3, 4, 5, 6), starts=1320, ends=1800, percent=70),
            ),
        )
    ),
    "series_booked-class": SeriesBooked(
        series=Series(
            id="s-2",
            company="CMP-0001",
            first="2026-03-02T09:00",
            duration=HOUR,
            time_zone="Asia/Seoul",
            tzdata="2025b",
            recurrence=("RRULE:FREQ=DAILY;COUNT=1",),
            lines=(Line(resource="L01", units=2),),
            policy=Policy.FAIL,
            occurrences=(Occurrence(start=MONDAY_9, end=MONDAY_9 + HOUR, reservation_id="r-1"),),
            participants=Participants(count=2, ids=("p-1", "p-2")),
        )
    ),
    "series_changed-class": SeriesChanged(
        series=Series(
            id="s-3",
            company="CMP-0001",
            first="2026-03-02T09:00",
            duration=HOUR,
            time_zone="Asia/Seoul",
            tzdata="2025b",
            recurrence=("RRULE:FREQ=DAILY;COUNT=1",),
            lines=(Line(resource="L01", units=2),),
            policy=Policy.FAIL,
            occurrences=(
                Occurrence(
                    start=MONDAY_9, end=MONDAY_9 + HOUR, reservation_id="r-1", participants=Participants(count=1)
                ),
            ),
            participants=Participants(count=2),
        ),
        since=MONDAY_9 + 1,
    ),
    "series_changed-asked": SeriesChanged(
        series=Series(
            id="s-4",
            company="CMP-0001",
            first="2026-03-02T09:00",
            duration=HOUR,
            time_zone="Asia/Seoul",
            tzdata="2025b",
            recurrence=("RRULE:FREQ=DAILY;COUNT=1",),
            lines=(Line(resource="L01", units=2),),
            policy=Policy.FAIL,
            occurrences=(Occurrence(start=MONDAY_9, end=MONDAY_9 + HOUR, reservation_id="r-1", effect=Effect.ASKED),),
            changed_from=MONDAY_9 - HOUR,
            version=2,
        ),
        since=MONDAY_9 - HOUR,
    ),
}
"""What was added to an event since its first sample, by the name of the golden sample that carries it."""


def page(previous: str = GENESIS, *events: Event, epoch: int = 1, writer: str = "w-1", centre: str = CENTRE) -> bytes:
    """The bytes of a page with these events, one entry each; none opens an epoch."""
    entries = tuple(
        Entry(time=MONDAY_9 * 1_000_000, actor="CMP-0001", events=(event,), request_id="q-1", request_digest="d" * 64)
        for event in events
    )
    return encode_page(
        Page(
            format=FORMAT,
            centre=centre,
            writer=writer,
            epoch=epoch,
            time=MONDAY_9 * 1_000_000,
            previous=previous,
            entries=entries,
        )
    )


def chain(length: int, *, centre: str = CENTRE) -> list[bytes]:
    """So many pages, each chained to the one before: an epoch's opening, then one event each."""
    return list(_chained(length, centre))


def _chained(length: int, centre: str) -> Iterator[bytes]:
    previous = GENESIS
    for number in range(length):
        events = (ReservationActivated(reservation_id=f"r-{number}"),) if number else ()
        data = page(previous, *events, centre=centre)
        previous = page_hash(data)
        yield data
