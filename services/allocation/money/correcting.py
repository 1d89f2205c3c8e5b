"""The decision about a correction: whom it is for, how much it may be, and what it takes back."""

from collections.abc import Iterator

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.money.correction import KRW_MAX, Correction
from services.allocation.rejections import Reason, Rejected, Violation, refuse


def correct(centre: Centre, command: commands.PostCorrection) -> tuple[events.Event, ...]:
    """Credit or debit a company, or say everything that is wrong with that."""
    wish = command.correction
    if wish.company not in centre.companies:
        raise refuse(Reason.COMPANY_NOT_FOUND, f"There is no company {wish.company!r}.", wish.company)
    violations = [*_invalid(wish), *_unknown_reservation(centre, wish), *_irreversible(centre, wish)]
    if violations:
        raise Rejected(violations)
    return (events.CorrectionPosted(correction=wish),)


def _invalid(wish: Correction) -> Iterator[Violation]:
    if not 0 < abs(wish.krw) <= KRW_MAX:
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"A correction is of 1 to {KRW_MAX:,} KRW, for a company or, negative, against it.",
            subject=wish.company,
            limit=KRW_MAX,
            asked=wish.krw,
        )
    if not wish.reason.strip():
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description="A correction says why: the company and its auditors will read it.",
            subject=wish.company,
        )


def _unknown_reservation(centre: Centre, wish: Correction) -> Iterator[Violation]:
    known = centre.reservations.get(wish.reservation_id)
    if wish.reservation_id and (known is None or known.company != wish.company):
        name = f"companies/{wish.company}/reservations/{wish.reservation_id}"
        yield Violation(
            reason=Reason.RESERVATION_NOT_FOUND,
            description=f"There is no reservation {name}. Name one that ended a month ago or earlier in the reason.",
            subject=name,
        )


def _irreversible(centre: Centre, wish: Correction) -> Iterator[Violation]:
    if not wish.reverses:
        return
    kept = centre.records.corrections.get(wish.company, {})
    reversed_ = kept.get(wish.reverses)
    if reversed_ is None:
        yield Violation(
            reason=Reason.NO_SUCH_RECORD,
            description=f"{wish.company} has no correction {wish.reverses!r}, or too many since. Say it in the reason.",
            subject=wish.reverses,
        )
        return
    if wish.krw != -reversed_.krw:
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"To reverse it takes exactly {-reversed_.krw:,} KRW.",
            subject=wish.reverses,
            limit=-reversed_.krw,
            asked=wish.krw,
        )
    if by := next((each.id for each in kept.values() if each.reverses == wish.reverses), ""):
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"The correction {wish.reverses} has been reversed before, by {by}.",
            subject=wish.reverses,
        )
