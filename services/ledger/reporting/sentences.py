"""What each event says to a person: one row of `SENTENCES` for each type of event.

A sentence names who did it first, then what, when and why: `CMP-0001 booked 4 GPUs of h100 from … to ….`
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.allocation import events
from services.allocation.events import Event
from services.ledger.reporting.phrases import (
    APPROVERS,
    CAUSES,
    ENDINGS,
    IN_USE,
    because,
    cause,
    changed,
    corrected,
    counted_months,
    made,
    measured,
    outcome,
    overriding,
    reviewed,
    taken_back,
    unchanged,
    under,
)
from services.ledger.reporting.telling import Words

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
        f" {taken_back(event, words)}"
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
        f"{words.who} {made(event.origin)} {words.held(event.allocations)}, from {words.moment(event.start)}"
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
    events.ChangeRequested: lambda event, words: (
        f"{words.who} asked to change it to {words.held(event.allocations)}, from {words.moment(event.start)}"
        f" to {words.moment(event.end)}{because(event.note)}. {APPROVERS[event.approval.rule]} decides until"
        f" {words.moment(event.expires_at)}; until then it stands as it is, and the new place is held as well."
        f"{words.beyond(event.overburn)}"
        + (f" Votes cast before that count no more: {event.void_votes}." if event.void_votes else "")
    ),
    events.ChangeEnded: lambda event, words: unchanged(event, words),
    events.ReservationChanged: lambda event, words: (
        f"{changed(event, words)}:"
        f" {words.held(event.allocations)}, from {words.moment(event.start)}"
        f" to {words.moment(event.end)}{because(event.note)}.{words.beyond(event.overburn)}"
        + (f" It is a class of {event.participants.count} people." if event.participants else "")
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
    events.MisuseRecorded: lambda event, words: (
        f"{words.who} recorded a misuse by {event.company}{because(event.reason)}{under(event.reference)}."
        + (" All that it had is revoked, and it books nothing more until this is lifted." if event.revokes else "")
    ),
    events.MisuseLifted: lambda event, words: (
        f"{words.who} lifted the misuse, and {event.company} may book again{because(event.reason)}."
    ),
    events.ReviewExempted: lambda event, words: (
        f"{words.who} exempted {event.company} from the review of its grants at {words.moment(event.at)}"
        f"{because(event.reason)}."
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
