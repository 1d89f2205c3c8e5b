"""From a page to facts: each event with its number in the log, who caused it, whom it concerns, and its transfers."""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from msgspec import Struct

from services.allocation import events
from services.allocation.events import Event
from services.eventlog import BrokenLog
from services.eventlog.page import Page, Record
from services.ledger.books import Books, Misfit
from services.ledger.chart import Transfer
from services.ledger.claims import Step
from services.ledger.moments import moment
from services.ledger.posting import post
from services.ledger.proving.leaves import Leaf, leaves_of

MICROSECONDS = 1_000_000


class Fact(Struct, frozen=True, kw_only=True, gc=False):
    """One event and all that the tables need to know about it.

    `number` counts the events of the log from 1, and `decision` is the number of the first event of the same entry:
    what one entry says becomes true at once. `entry` and `index` are places within the page, from 0. `company` and
    `reservation` are empty where none is concerned; `step` is as `Books.take` gives it, and `leaf` has the event as it
    stands in the page.
    """

    number: int
    decision: int
    position: int
    entry: int
    index: int
    time: datetime
    actor: str
    request_id: str
    event: Event
    type: str
    company: str
    reservation: str
    step: Step | None
    transfers: tuple[Transfer, ...]
    leaf: Leaf


def facts_of(record: Record, page: Page, number: int, books: Books) -> Iterator[Fact]:
    """Fold a page into the books; give its facts, numbered on from `number`. Raises `BrokenLog` if one does not fit."""
    position, leaves, index = record.position, leaves_of(record.position, record.data), 0
    for place, entry in enumerate(page.entries):
        time, at = moment(entry.time), entry.time // MICROSECONDS
        decision = number + index + 1
        for event in entry.events:
            step = _take(books, event, number + index + 1, at, position, index)
            yield Fact(
                number=number + index + 1,
                decision=decision,
                position=position,
                entry=place,
                index=index,
                time=time,
                actor=entry.actor,
                request_id=entry.request_id,
                event=event,
                type=EVENT_TYPES[type(event)],
                company=step.after.reservation.company if step else _company(event),
                reservation=step.after.reservation.id if step else _reservation(event),
                step=step,
                transfers=post(event, step, books, at),
                leaf=leaves[index],
            )
            index += 1


def _take(books: Books, event: Event, number: int, at: int, position: int, index: int) -> Step | None:
    try:
        return books.take(event, number, at, position)
    except Misfit as misfit:
        raise BrokenLog(
            f"event {index} of the page at position {position} does not fit the events before it: {misfit};"
            " nothing of the page was applied, so find out which writer wrote it"
        ) from misfit


def _company(event: Event) -> str:
    """The company that an event without a reservation concerns."""
    match event:
        case events.CompanyRegistered(company=admitted):
            return admitted.id
        case events.QuotaGranted(quota=quota):
            return quota.company
        case events.SeriesBooked(series=series) | events.SeriesChanged(series=series):
            return series.company
        case events.QualificationGranted(qualification=about) | events.OfficerAssigned(assignment=about):
            return about.company
        case events.CorrectionPosted(correction=correction):
            return correction.company
        case (
            events.SeriesCancelled(company=company)
            | events.UseMeasured(company=company)
            | events.ReviewAnnounced(company=company)
            | events.QuotaReviewed(company=company)
            | events.QualificationRevoked(company=company)
            | events.OfficerDismissed(company=company)
            | events.StrikeGiven(company=company)
            | events.StrikeForgiven(company=company)
            | events.SuspensionSet(company=company)
            | events.ArrearsRecorded(company=company)
            | events.ArrearsReached(company=company)
            | events.ArrearsCleared(company=company)
            | events.MisuseRecorded(company=company)
            | events.MisuseLifted(company=company)
            | events.ReviewExempted(company=company)
        ):
            return company
        case _:
            return ""


def _reservation(event: Event) -> str:
    """The reservation that an event is about without being a step in its life."""
    match event:
        case events.UseMeasured():
            return event.reservation_id
        case events.CorrectionPosted():
            return event.correction.reservation_id
        case _:
            return ""


EVENT_TYPES: dict[type, str] = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
"""The name on the wire of each event."""
