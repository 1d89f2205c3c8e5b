"""What each event says to a person: one row of `SENTENCES` for each type of event.

A sentence names who did it first, then what, when and why: `CMP-0001 booked 4 GPUs of h100 from … to ….`
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation import events
from services.allocation.attendance.conduct import Cause
from services.allocation.attendance.use import MeasuredUse
from services.allocation.booking.approval import Rule
from services.allocation.booking.transfer import Outcome
from services.allocation.events import Event
from services.allocation.limits.reclaim import MeterReview
from services.allocation.money.correction import Correction, CorrectionKind
from services.allocation.recurrence.series import Series
from services.allocation.reservations import Allocation, Overburn, Override
from services.allocation.resources import Interval, Unit
from services.allocation.wording import counted, unit_hours

SYSTEM = "system"
"""Who acts where nobody asked: time passes, and the rules go on."""


IN_USE = {
    None: "",
    True: "; it was taken into use soon after its start",
    False: "; nothing of it was used soon after its start",
}
"""What a record of use says about the beginning."""


class Words(Struct, frozen=True, kw_only=True):
    """What a sentence needs beside the event: who caused it, in whose clock it is told, and what resources count."""

    actor: str
    zone: ZoneInfo
    units: Mapping[str, str]

    @property
    def who(self) -> str:
        """The one who acts, at the beginning of a sentence."""
        match self.actor.split("/"):
            case ["companies", company]:
                return company
            case ["officers", name, "companies", company]:
                return f"Officer {name} for {company}"
            case ["operators", name]:
                return f"Operator {name}"
            case ["operators"]:
                return "An operator"
            case _:
                return "The centre" if self.actor == SYSTEM else self.actor

    def moment(self, seconds: int) -> str:
        """Such as `2026-03-02 11:00 KST`."""
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone(self.zone):%Y-%m-%d %H:%M %Z}"

    def until(self, seconds: int) -> str:
        """Such as `to 2026-03-02 11:00 KST`; nothing but words for 0."""
        return f"to {self.moment(seconds)}" if seconds else "until it is lifted"

    def during(self, interval: Interval | None) -> str:
        """Such as ` from 2026-03-02 11:00 KST to 2026-03-02 13:00 KST`; nothing for None."""
        return f" from {self.moment(interval[0])} to {self.moment(interval[1])}" if interval else ""

    def instead(self, desired: Interval | None) -> str:
        """That another time was asked for; nothing for None."""
        return f", instead of{self.during(desired)} as was asked" if desired else ""

    def beyond(self, overburn: tuple[Overburn, ...]) -> str:
        """Such as ` 64.0 unit-hours of h100 of it lie beyond the quota.`; nothing for none."""
        parts = [f"{self.hours(each.unit_seconds, each.meter)} unit-hours of {each.meter}" for each in overburn]
        return f" {' and '.join(parts)} of it lie beyond the quota." if parts else ""

    def held(self, allocations: tuple[Allocation, ...]) -> str:
        """Such as `4 GPUs of h100; 2 operators of OP-1, which M01 needs`."""
        return "; ".join(map(self._allocation, allocations))

    def amount(self, units: int, resource: str) -> str:
        """Such as `4 GPUs of h100`; thousandths of a GPU as parts of one."""
        return f"{counted(units, self._unit(resource))} of {resource}"

    def hours(self, unit_seconds: int, resource: str) -> str:
        """Such as `12.5`: unit-hours, of thousandths of a GPU as of GPUs."""
        return unit_hours(unit_seconds, self._unit(resource))

    def _unit(self, resource: str) -> Unit | None:
        """What a resource counts; None for what is none of ours, or counts many things alike."""
        name = self.units.get(resource, "")
        return Unit(name) if name in Unit.__members__.values() else None

    def _allocation(self, allocation: Allocation) -> str:
        text = self.amount(allocation.units, allocation.resource)
        if len(allocation.spans) > 1:
            text += f" in {len(allocation.spans)} spans of time"
        return f"{text}, which {allocation.companion_of} needs" if allocation.companion_of else text


FOR = {
    CorrectionKind.COMPENSATION: "for harm beyond the price",
    CorrectionKind.GOODWILL: "as goodwill",
    CorrectionKind.ERROR: "since the books were wrong",
    CorrectionKind.SURCHARGE: "as a surcharge",
}
CAUSES = {Cause.NO_SHOW: "nobody came", Cause.LATE_CANCEL: "it was given back too late for anybody else"}
APPROVERS = {Rule.AUTO: "Nobody", Rule.MANAGER: "A manager", Rule.COMMITTEE: "The committee"}

ENDINGS = {
    Outcome.DECLINED: "{who} declined to take it over; it stays whose it is",
    Outcome.WITHDRAWN: "{who} withdrew the offer to hand it over",
    Outcome.LAPSED: "Nobody took it over in time; it stays whose it is",
}
"""What became of an offer that was not accepted."""

Sentence = Callable[[Any, Words], str]

SENTENCES: Mapping[type[Event], Sentence] = {
    events.ResourceRegistered: lambda event, words: (
        f"{words.who} made {words.amount(event.resource.capacity, event.resource.id)} bookable."
    ),
    events.CompanyRegistered: lambda event, words: (
        f"{words.who} admitted {event.company.display_name or event.company.id} from"
        f" {words.moment(event.company.agreement_start)} to {words.moment(event.company.agreement_end)}."
    ),
    events.QuotaGranted: lambda event, words: (
        f"{words.who} granted {words.hours(event.quota.unit_seconds, event.quota.meter)} unit-hours of"
        f" {event.quota.meter} to {event.quota.company} from {words.moment(event.quota.start)} to"
        f" {words.moment(event.quota.end)}."
    ),
    events.ReviewAnnounced: lambda event, words: (
        f"The grants of {event.company} will be reviewed at {words.moment(event.at)}; as they stand,"
        f" {'; '.join(map(reviewed, event.meters)) or 'there are none'}."
    ),
    events.QuotaReviewed: lambda event, words: (
        f"The grants of {event.company} were reviewed for {words.moment(event.at)}:"
        f" {'; '.join(map(reviewed, event.meters)) or 'there are none'}."
        f" {sum(each.unit_seconds for each in event.removals) / 3600:,.1f} unit-hours went back to its programme."
    ),
    events.TariffPublished: lambda event, words: (
        f"{words.who} published the tariff {event.tariff.id}, valid from {words.moment(event.tariff.valid_from)}."
    ),
    events.CorrectionPosted: lambda event, words: corrected(event.correction, words),
    events.PeriodClosed: lambda event, words: f"{words.who} closed the books up to the end of {event.period.month}.",
    events.UseMeasured: lambda event, words: (
        f"Its use was measured from {words.moment(event.since)} to {words.moment(event.until)}:"
        f" {'; '.join(measured(each, words) for each in event.resources)}{IN_USE[event.in_use]}."
    ),
    events.ReservationConfirmed: lambda event, words: (
        f"{words.who} booked {words.held(event.allocations)}, from {words.moment(event.start)}"
        f" to {words.moment(event.end)}{words.instead(event.desired)}{because(event.note)}.{overriding(event.override)}"
        f"{words.beyond(event.overburn)}"
    ),
    events.ReservationHeld: lambda event, words: (
        f"{words.who} let {words.held(event.allocations)} be held until {words.moment(event.expires_at)},"
        f" from {words.moment(event.start)} to {words.moment(event.end)}{because(event.note)}."
        f"{words.beyond(event.overburn)}"
    ),
    events.ReservationRequested: lambda event, words: (
        f"{words.who} asked for {words.held(event.allocations)}, from {words.moment(event.start)}"
        f" to {words.moment(event.end)}{because(event.note)}. {APPROVERS[event.approval.rule]} decides until"
        f" {words.moment(event.expires_at)}.{overriding(event.override)}{words.beyond(event.overburn)}"
        + (f" Votes cast before that count no more: {event.void_votes}." if event.void_votes else "")
    ),
    events.VoteCast: lambda event, words: (
        f"{words.who} {'agreed to it' if event.vote.approves else 'spoke against it'}{words.during(event.vote.time)}"
        f"{because(event.vote.comment)}{under(event.vote.reference)}."
    ),
    events.ReservationDenied: lambda event, words: f"It was denied, and nothing was used{because(event.reason)}.",
    events.ReservationExpired: lambda event, words: "It expired, since nobody confirmed it in time.",
    events.OutageDeclared: lambda event, words: (
        f"{words.who} declared the outage {event.outage.id} ({event.outage.kind}) from"
        f" {words.moment(event.outage.start)} {words.until(event.outage.end)}{because(event.outage.reason)}."
    ),
    events.OutageLifted: lambda event, words: (
        f"{words.who} lifted the outage {event.outage} as of {words.moment(event.lifted_at)}{because(event.reason)}."
    ),
    events.ReservationChanged: lambda event, words: (
        f"{words.who} changed it: {words.held(event.allocations)}, from {words.moment(event.start)}"
        f" to {words.moment(event.end)}{because(event.note)}.{words.beyond(event.overburn)}"
        + (" What it gave back late was excused: free of charge, and no strike." if event.excused else "")
    ),
    events.AllocationsMoved: lambda event, words: (
        f"The centre moved it, for the outage {event.outage}: {words.held(event.allocations)}."
        if event.outage
        else f"The centre moved it before its start, for the same times: {words.held(event.allocations)}."
    ),
    events.ReservationActivated: lambda event, words: "It started; its units are bound from here on.",
    events.ReservationCompleted: lambda event, words: "It ended; all that it held counts as used.",
    events.ReservationCancelled: lambda event, words: (
        f"{words.who} cancelled it before its start; nothing was used{because(event.reason)}."
        + (" It was excused: free of charge, and no strike." if event.excused else "")
    ),
    events.ReservationReleased: lambda event, words: (
        f"{words.who} released it early: used until {words.moment(event.released_at)},"
        f" the rest was given back{because(event.reason)}."
        + (f" It was left {event.condition}." if event.condition else "")
        + (f" For whoever comes next: {event.hand_over}" if event.hand_over else "")
    ),
    events.ReservationCheckedIn: lambda event, words: (
        f"{words.who} checked in" + (f"; {event.present} people are there." if event.present else ".")
    ),
    events.ReservationMissed: lambda event, words: (
        f"Nobody came, for {event.reason}: it was given back from {words.moment(event.released_at)} on."
        if event.reason
        else f"Nobody checked in in time: it was given back from {words.moment(event.released_at)} on."
    ),
    events.ReservationWarned: lambda event, words: (
        f"At most {event.used_percent} % of it was used of late: unless it is used more, it is given back at"
        f" {words.moment(event.release_at)}."
        if event.release_at
        else "It is used again, or nobody can tell: the warning that it stands idle is over."
    ),
    events.TermsPublished: lambda event, words: (
        f"{words.who} published the centre's terms, in effect from {words.moment(event.terms.effective)}."
    ),
    events.QualificationGranted: lambda event, words: (
        f"{words.who} recorded that {event.qualification.company} is trained for {event.qualification.resource}, from"
        f" {words.moment(event.qualification.start)} to {words.moment(event.qualification.end)}."
    ),
    events.QualificationRevoked: lambda event, words: (
        f"{words.who} took back that {event.company} is trained for {event.resource}{because(event.reason)}."
    ),
    events.SeriesBooked: lambda event, words: (
        f"{words.who} booked a series: {sum(1 for _ in event.series.booked_from(0))} of"
        f" {len(event.series.occurrences)} occurrences{because(event.series.note)}."
    ),
    events.SeriesChanged: lambda event, words: (
        f"{words.who} changed the series from {words.moment(event.since)} on: {outcome(event.series)}."
    ),
    events.SeriesCancelled: lambda event, words: (
        f"{words.who} gave the series back from {words.moment(event.since)} on{because(event.reason)}."
    ),
    events.OfficerAssigned: lambda event, words: (
        f"{words.who} let officer {event.assignment.officer} act for {event.assignment.company}, from"
        f" {words.moment(event.assignment.start)} to {words.moment(event.assignment.end)}."
    ),
    events.OfficerDismissed: lambda event, words: (
        f"{words.who} no longer lets officer {event.officer} act for {event.company}{because(event.reason)}."
    ),
    events.StrikeGiven: lambda event, words: f"{event.company} got a strike: {CAUSES[event.cause]}.",
    events.StrikeForgiven: lambda event, words: (
        f"{words.who} forgave {event.company} the strike{because(event.reason)}."
    ),
    events.SuspensionSet: lambda event, words: (
        f"{event.company} books no equipment before {words.moment(event.until)}."
        if event.until
        else f"{event.company} may book equipment again."
    ),
    events.ArrearsRecorded: lambda event, words: (
        f"{words.who} recorded that {event.company} has not paid the {event.krw:,} KRW of {event.month}, due by"
        f" {words.moment(event.since)}{under(event.reference)}."
    ),
    events.ArrearsReached: lambda event, words: (
        f"The bill of {event.month} has been overdue for {counted_months(event.months)}."
        + (f" {event.company} owes {event.surcharge_krw:,} KRW more." if event.surcharge_krw else "")
        + (f" {event.company} books nothing new until it is paid." if event.suspends else "")
    ),
    events.ArrearsCleared: lambda event, words: (
        f"{words.who} cleared the bill of {event.month} of {event.company}{because(event.reason)}."
    ),
    events.CapacityFunded: lambda event, words: (
        f"{words.who} set what is funded to {words.amount(event.funding.units, event.funding.resource)} from"
        f" {words.moment(event.funding.start)} on{because(event.funding.reason)}."
    ),
    events.ReservationCurtailed: lambda event, words: (
        f"The centre curtailed it: {cause(event)} ends it at {words.moment(event.until)},"
        " and what it held after that was given back."
    ),
    events.ReservationDisplaced: lambda event, words: (
        f"The centre displaced it for {cause(event)}, from {words.moment(event.displaced_at)} on: there were"
        " no other units. What was used counts as used, and the rest was given back."
    ),
    events.TransferOffered: lambda event, words: (
        f"{words.who} offered it to {event.to}, which may take it over until {words.moment(event.expires_at)}."
    ),
    events.TransferEnded: lambda event, words: (
        ENDINGS[event.outcome].format(who=words.who) + f"{because(event.reason)}."
    ),
    events.TransferAccepted: lambda event, words: (
        f"{words.who} accepted it: from here on it is {event.to}'s, with its times and its units."
    ),
    events.ReservationTransferred: lambda event, words: (
        f"{words.who} took it over from {event.former}: {words.held(event.allocations)}, from"
        f" {words.moment(event.start)} to {words.moment(event.end)}.{words.beyond(event.overburn)}"
    ),
}


def sentence(event: Event, words: Words) -> str:
    """What happened, for people."""
    return SENTENCES[type(event)](event, words)


def counted_months(months: int) -> str:
    """Such as `3 months`."""
    return f"{months} month{'' if months == 1 else 's'}"


def corrected(correction: Correction, words: Words) -> str:
    """What an operator gave a company or took from it, for what, and what it takes back."""
    given = "credited" if correction.krw > 0 else "debited"
    back = f" It reverses the correction {correction.reverses}." if correction.reverses else ""
    krw = f"{abs(correction.krw):,} KRW"
    return f"{words.who} {given} {correction.company} with {krw}, {FOR[correction.kind]}: {correction.reason}.{back}"


def fee_returned(resource: str, krw: int, left_krw: int) -> str:
    """What it meant that somebody booked again what a reservation had given back late."""
    part = "a part of " if left_krw else ""
    return f"Somebody booked {part}the time of {resource} that it gave back late: {krw:,} KRW of its fee are returned."


def reviewed(found: MeterReview) -> str:
    """Such as `8 % of h100-train is booked: whoever has less than 10 % loses 25 % of the rest`."""
    share = found.booked * 100 // found.granted if found.granted else 0
    row = found.row
    follows = (
        "nothing is lost"
        if row is None
        else (
            f"whoever has less than {row.below_percent} % after {row.at_percent} % of the term loses"
            f" {row.remove_percent} % of the rest"
        )
    )
    return f"{share} % of {found.meter} is booked: {follows}"


def measured(use: MeasuredUse, words: Words) -> str:
    """Such as `of 192.0 unit-hours of h100, 120.4 were at work and 30.1 idle`."""
    hours = [words.hours(seconds, use.resource) for seconds in (use.measured, use.busy, use.idle)]
    return f"of {hours[0]} unit-hours of {use.resource}, {hours[1]} were at work and {hours[2]} idle"


def cause(event: events.ReservationCurtailed | events.ReservationDisplaced) -> str:
    """What took the units away."""
    return f"the outage {event.outage}" if event.outage else f"less funding of {event.funding.partition('@')[0]}"


def overriding(override: Override | None) -> str:
    """The rules that an operator let a booking break, by their names in plain words, and why."""
    if override is None:
        return ""
    rules = ", ".join(reason.replace("_", " ").lower() for reason in override.reasons)
    return f" It overrides {rules}: {override.because.strip().removesuffix('.')}."


def under(reference: str) -> str:
    """The number of a review, if there is one."""
    return f", under reference {reference}" if reference else ""


def because(reason: str) -> str:
    """A reason in brackets, if there is one."""
    return f" ({reason})" if reason else ""


def outcome(series: Series) -> str:
    """What a change made of the occurrences of a series, such as `2 changed, 1 given back`."""
    effects = [each.effect.value.replace("_", " ") for each in (*series.occurrences, *series.given_back) if each.effect]
    return ", ".join(f"{effects.count(effect)} {effect}" for effect in dict.fromkeys(effects)) or "nothing"
