"""Arrears, as decisions: an operator records a bill that is overdue and clears it; time surcharges and suspends.

A surcharge is a correction against the company, in the same entry as the event that says why; clearing the bill leaves
it, and an operator who thinks otherwise reverses it. The suspension ends when every bill that suspends is cleared.
"""

from collections.abc import Iterator

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Event, Events
from services.allocation.finding import no_company
from services.allocation.measures import PERCENT
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.values.arrears import ARREARS_MAX, Arrear, Stage
from services.allocation.values.correction import KRW_MAX, Correction, CorrectionKind
from services.allocation.values.months import MONTH, bounds

STAGES_MAX = 100
"""A tick makes at most so many, so that it fits one page."""


def record(centre: Centre, command: commands.RecordArrears, now: int) -> Events:
    """A bill is overdue."""
    wish = command.arrear
    if command.company not in centre.companies:
        raise no_company(command.company)
    found = list(_faults(centre, wish, now))
    if found:
        raise Rejected(
            Violation(reason=Reason.INVALID_ARREARS, description=fault, subject=command.company) for fault in found
        )
    arrears = centre.records.conduct(command.company).arrears
    if any(each.month == wish.month for each in arrears):
        told = f"The bill of {wish.month} is recorded as overdue already. Clear it first to record another sum."
        raise refuse(Reason.ALREADY_EXISTS, told, command.company)
    if len(arrears) >= ARREARS_MAX:
        told = f"{len(arrears)} bills are overdue, and {ARREARS_MAX} is the most. Clear one of them."
        raise refuse(Reason.INVALID_ARREARS, told, command.company, limit=ARREARS_MAX, asked=len(arrears) + 1)
    return (
        events.ArrearsRecorded(
            company=command.company, month=wish.month, krw=wish.krw, since=wish.since, reference=wish.reference
        ),
    )


def _faults(centre: Centre, wish: Arrear, now: int) -> Iterator[str]:
    if not 0 < wish.krw <= KRW_MAX:
        yield f"A bill is of 1 to {KRW_MAX:,} KRW."
    if not MONTH.fullmatch(wish.month):
        yield f"{wish.month!r} is not a month of the form 2026-03."
    elif not bounds(wish.month, centre.zone)[1] <= wish.since <= now:
        yield f"The bill of {wish.month} is due after that month, and is overdue only once that time has come."


def clear(centre: Centre, command: commands.ClearArrears) -> Events:
    """A bill is paid, or waived, and nothing more follows from it."""
    arrears = centre.records.conduct(command.company).arrears
    if not any(each.month == command.month for each in arrears):
        told = f"{command.company} has no bill of {command.month!r} that is recorded as overdue."
        raise refuse(Reason.NO_SUCH_RECORD, told, command.company)
    return (events.ArrearsCleared(company=command.company, month=command.month, reason=command.reason),)


def reach(centre: Centre, now: int) -> Events:
    """What follows from bills by now, as far as a page goes."""
    due = [stage for stage in centre.consequences.stages[:STAGES_MAX] if stage.due <= now]
    return tuple(event for stage in due for event in _reached(centre, stage, now))


def _reached(centre: Centre, stage: Stage, now: int) -> Iterator[Event]:
    arrears = centre.records.conduct(stage.company).arrears
    arrear = next(each for each in arrears if each.month == stage.month)
    rules = [each for each in centre.records.terms_at(stage.due).arrears if each.months == stage.months]
    percent, suspends = sum(each.surcharge_percent for each in rules), any(each.suspends for each in rules)
    krw = arrear.krw * percent // PERCENT
    yield events.ArrearsReached(
        company=stage.company, month=stage.month, months=stage.months, surcharge_krw=krw, suspends=suspends
    )
    if krw:
        yield events.CorrectionPosted(
            correction=Correction(
                id=_unused(centre, stage.company, f"surcharge-{stage.month}-{stage.months}-{now}"),
                company=stage.company,
                krw=-krw,
                kind=CorrectionKind.SURCHARGE,
                reason=f"{percent} % of the {arrear.krw:,} KRW of {stage.month}, overdue for {stage.months} months",
            )
        )


def _unused(centre: Centre, company: str, name: str) -> str:
    """A name that no correction has: what was cleared may be recorded and surcharged again in the same second."""
    alike = sum(each.startswith(name) for each in centre.records.corrections.get(company, ()))
    return f"{name}-{alike + 1}" if alike else name
