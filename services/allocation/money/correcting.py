"""The decision about a correction: whom it is for, how much it may be, and what it takes back."""

from collections.abc import Iterator

from msgspec.structs import replace

from services.allocation import commands, events
from services.allocation.centre import Centre
from services.allocation.events import Events
from services.allocation.finding import no_company
from services.allocation.prices.pricing import rate_of
from services.allocation.registering.registration import UNIT_SECONDS_MAX
from services.allocation.rejections import Reason, Rejected, Violation
from services.allocation.tables.period import Period
from services.allocation.values.correction import KRW_MAX, Correction
from services.allocation.wording import unit_hours


def correct(centre: Centre, command: commands.PostCorrection, now: int) -> Events:
    """Credit or debit a company at a time in seconds, or say everything that is wrong with that.

    A wish for hours names any moment of the quota's period in its `start`; 0 is now.
    """
    wish = command.correction
    if wish.company not in centre.companies:
        raise no_company(wish.company)
    reversed_ = _reversed(centre, wish)
    if reversed_ is not None and reversed_.from_reserve:
        wish = replace(wish, from_reserve=True)  # Hours go back to where they came from.
    violations = [*_unreasoned(wish), *_unknown_reservation(centre, wish)]
    if wish.meter:
        meter = centre.meters.get((wish.company, wish.meter))
        period = meter.period_at(wish.start or now) if meter is not None else None
        if period is None:
            violations.append(_without_quota(wish))
        else:
            wish = replace(wish, start=period.quota.start, krw=_worth(centre, wish, reversed_))
            violations += _impossible(centre, wish, period)
    else:
        violations += _invalid(wish)
    violations += [*_beyond_reserve(centre, wish), *_irreversible(centre, wish)]
    if violations:
        raise Rejected(violations)
    return (events.CorrectionPosted(correction=wish),)


def _reversed(centre: Centre, wish: Correction) -> Correction | None:
    """The correction that a wish takes back, if it names one that can be."""
    return centre.records.corrections.get(wish.company, {}).get(wish.reverses)


def _worth(centre: Centre, wish: Correction, reversed_: Correction | None) -> int:
    """What hours are worth by the newest rate card off its peaks, as for a grant; as much as it was for a reversal."""
    if reversed_ is not None:
        return -reversed_.krw
    pool, card = centre.pools.get(wish.meter), next(reversed(centre.cards.published.values()), None)
    if pool is None:
        return 0
    rate = rate_of(card, centre.companies[wish.company], pool.resource, centre.zone.key)
    worth = 0 if rate.slot_seconds else abs(wish.unit_seconds) // 60 * rate.numerator // rate.denominator
    return worth if wish.unit_seconds > 0 else -worth


def _without_quota(wish: Correction) -> Violation:
    return Violation(
        reason=Reason.NO_QUOTA,
        description=f"{wish.company} has no quota of {wish.meter} then. Name a time in the period of one.",
        subject=wish.meter,
    )


def _hours(centre: Centre, unit_seconds: int, meter: str) -> str:
    """Such as `12.5`: unit-hours of a meter, of thousandths of a GPU as of GPUs."""
    pool = centre.pools.get(meter)
    return unit_hours(unit_seconds, pool.resource.unit if pool is not None else None)


def _impossible(centre: Centre, wish: Correction, period: Period) -> Iterator[Violation]:
    """A quota is corrected by something, keeps what is booked on it, and has a limit."""
    free = max(0, period.quota.unit_seconds - period.booked)
    if not -free <= wish.unit_seconds <= UNIT_SECONDS_MAX - period.quota.unit_seconds or not wish.unit_seconds:
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"A quota of {wish.meter} is given hours or loses some: {_hours(centre, free, wish.meter)}"
            " unit-hours of this one are not booked, and more cannot be taken.",
            subject=wish.meter,
            limit=-free,
            asked=wish.unit_seconds,
        )


def _beyond_reserve(centre: Centre, wish: Correction) -> Iterator[Violation]:
    """A reserve gives what it has, and nothing negative; what it gave may come back by a reversal."""
    if not wish.from_reserve:
        return
    programme = centre.companies[wish.company].programme
    left = centre.reserves.at(programme, wish.meter).left
    if wish.unit_seconds > left or (wish.unit_seconds <= 0 and not wish.reverses):
        yield Violation(
            reason=Reason.RESERVE_EXCEEDED,
            description=_short_of(centre, wish, programme, left),
            subject=wish.meter,
            limit=left,
            asked=wish.unit_seconds,
        )


def _short_of(centre: Centre, wish: Correction, programme: str, left: int) -> str:
    """Why a reserve does not give what is wished, with what is left in it."""
    if not wish.meter:
        return "A reserve has no KRW: name the meter of a quota, and the hours that it is to be given."
    if not programme:
        return f"{wish.company} is in no programme, so there is no reserve to give {wish.meter} from."
    has = f"The reserve of {programme} has {_hours(centre, left, wish.meter)} unit-hours of {wish.meter} left"
    if wish.unit_seconds <= 0:
        return f"{has}; give some of them, or take hours back by reversing the correction that gave them."
    asked = f"{_hours(centre, wish.unit_seconds, wish.meter)} were to be given"
    return f"{has}; {asked}. Give fewer, or give them without the reserve."


def _invalid(wish: Correction) -> Iterator[Violation]:
    if not 0 < abs(wish.krw) <= KRW_MAX or wish.unit_seconds:
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"A correction is of 1 to {KRW_MAX:,} KRW, for a company or, negative, against it.",
            subject=wish.company,
            limit=KRW_MAX,
            asked=wish.krw,
        )


def _unreasoned(wish: Correction) -> Iterator[Violation]:
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
    reversed_ = _reversed(centre, wish)
    if reversed_ is None:
        yield Violation(
            reason=Reason.NO_SUCH_RECORD,
            description=f"{wish.company} has no correction {wish.reverses!r}, or too many since. Say it in the reason.",
            subject=wish.reverses,
        )
        return
    yield from _unequal(centre, wish, reversed_)
    kept = centre.records.corrections[wish.company].values()
    if by := next((each.id for each in kept if each.reverses == wish.reverses), ""):
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"The correction {wish.reverses} has been reversed before, by {by}.",
            subject=wish.reverses,
        )


def _unequal(centre: Centre, wish: Correction, reversed_: Correction) -> Iterator[Violation]:
    """What keeps a correction from being the exact opposite of the one that it reverses."""
    if (wish.meter, wish.start) != (reversed_.meter, reversed_.start):
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"The correction {wish.reverses} is about {_what(reversed_)}.",
            subject=wish.reverses,
        )
    elif wish.from_reserve != reversed_.from_reserve:
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"The correction {wish.reverses} gave nothing out of a reserve, so nothing goes back there.",
            subject=wish.reverses,
        )
    elif (wish.unit_seconds, wish.krw) != (-reversed_.unit_seconds, -reversed_.krw):
        limit = -(reversed_.unit_seconds or reversed_.krw)
        yield Violation(
            reason=Reason.INVALID_CORRECTION,
            description=f"To reverse it takes exactly {_much(centre, limit, reversed_)}.",
            subject=wish.reverses,
            limit=limit,
            asked=wish.unit_seconds or wish.krw,
        )


def _what(correction: Correction) -> str:
    return f"a quota of {correction.meter}, of another period or meter than this" if correction.meter else "KRW"


def _much(centre: Centre, amount: int, correction: Correction) -> str:
    return f"{_hours(centre, amount, correction.meter)} unit-hours" if correction.meter else f"{amount:,} KRW"
