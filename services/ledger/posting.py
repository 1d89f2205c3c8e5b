"""What each event means in the books: transfers between a company's accounts, in unit-seconds and KRW. Pure.

A transfer gives to one account exactly what it takes from another, so every event's postings sum to zero. What an event
of a reservation posts is the difference between what the reservation held before it and holds after it: what stays
moves to the account of its new state, what is new comes from the centre, and what is held no more goes where the event
sends it. So a new event needs at most a row in `GIVEN_BACK`, and a new state one in `STANDING`.
"""

from collections.abc import Iterable, Iterator, Mapping

from services.allocation import events
from services.allocation.companies import Quota
from services.allocation.events import Event
from services.allocation.prices.periods import number_of
from services.allocation.prices.pricing import Amount
from services.allocation.reservations import Reservation, State
from services.allocation.states.moves import divides
from services.allocation.values.correction import CORRECTIONS, Correction
from services.allocation.values.reclaim import Removal
from services.ledger.books import Books
from services.ledger.chart import Account, Transfer
from services.ledger.claims import Claim, Step

STANDING: Mapping[State, Account] = {
    State.HELD: Account.HELD,
    State.PENDING: Account.HELD,
    State.CONFIRMED: Account.BOOKED,
    State.ACTIVE: Account.BOOKED,
    State.COMPLETED: Account.USED,
    State.NO_SHOW: Account.IDLE,  # Nobody came, and nobody else could have had it, up to where it was given back.
    State.DISPLACED: Account.USED,  # Up to where it lost its units.
}
"""Where stands what a reservation holds, by its state."""

GIVEN_BACK: Mapping[type[Event], Account] = {
    events.ReservationDisplaced: Account.REFUNDED,
    events.ReservationCurtailed: Account.REFUNDED,
}
"""Where goes what an event takes from a reservation, if the company did not release it itself."""


def post(event: Event, step: Step | None, books: Books, at: int) -> tuple[Transfer, ...]:
    """The transfers of an event that `books` have just taken, at a time in seconds.

    `step` is what it makes of the reservation that it names, if it names one.
    """
    if step is not None:
        posted = tuple(_of_step(event, step, books))
        return (*posted, *_returned(step, books)) if step.late_fees else posted
    match event:
        case events.QuotaReviewed():
            lost_to = Account.RESERVE if event.to_reserve else Account.CAPACITY
            return tuple(part for each in event.removals for part in _reclaimed(event.company, each, lost_to, books))
        case events.QuotaGranted():
            return _granted(event, books)
        case events.CorrectionPosted():
            return tuple(_corrected(event.correction, books, at))
        case events.PeriodClosed():
            return tuple(_carried(books.claims.values(), books.closed_before, number_of(event.period.month), books))
        case _:
            return ()  # Registrations move nothing.


def _of_step(event: Event, step: Step, books: Books) -> Iterator[Transfer]:
    """What moves between two states of a reservation."""
    before, after = step.before, step.after
    target = STANDING.get(after.reservation.state, Account.RELEASED)
    if before is None:
        for amount in after.amounts:
            yield _transfer(books, after.reservation, amount, Account.CAPACITY, target)
        return
    source = STANDING[before.reservation.state]
    if after.amounts is before.amounts:  # Only the state is another one.
        if source is not target:
            idle = dict(before.idle)
            for amount in after.amounts:
                for part, account in _by_use(amount, target, idle):
                    yield _transfer(books, after.reservation, part, source, account)
        return
    fees = {(fee.resource, fee.month): fee.krw for fee in step.fees}
    lost_to, idle = _lost_to(event), dict(before.idle)
    asked, asks = _keyed(before.asked), _keyed(after.asked)
    for had, has in _paired(before, after):
        stays, more, less = _split(had, has)
        key = had.resource, had.month
        # What was held for a change comes with it, as far as that goes.
        taken, comes, left = _split(asked.get(key) or Amount(*key, 0, 0), more)
        _, held, freed = _split(left, asks.get(key) or Amount(*key, 0, 0))
        due = fees.get((had.resource, had.month), 0)
        # A booking that moved has a fee for what it gave back, and may be worth what it was.
        from_price = min(due, less.krw)
        lost = Amount(less.resource, less.month, less.unit_seconds, less.krw - from_price)
        fee, beyond = (Amount(less.resource, less.month, 0, krw) for krw in (from_price, due - from_price))
        moves = (
            *((part, source, account) for part, account in _by_use(stays, target, idle)),
            (taken, Account.HELD, target),
            (comes, Account.CAPACITY, target),
            (held, Account.CAPACITY, Account.HELD),
            (freed, Account.HELD, Account.RELEASED),
            (lost, source, lost_to),
            (fee, source, Account.PENALTY),
            (beyond, Account.CAPACITY, Account.PENALTY),
            (_compensation(event, step, less, books), Account.CAPACITY, Account.COMPENSATION),
        )
        for amount, from_account, to_account in moves:
            if (amount.unit_seconds or amount.krw) and from_account is not to_account:
                yield _transfer(books, after.reservation, amount, from_account, to_account)


def _lost_to(event: Event) -> Account:
    """Where goes what a reservation holds no more."""
    if divides(event):
        return Account.CAPACITY  # Nothing is given back: the part takes it from there, in the same decision.
    return GIVEN_BACK.get(type(event), Account.RELEASED)


def _compensation(event: Event, step: Step, less: Amount, books: Books) -> Amount:
    """What the rate card gives for what the centre takes from a booking, beyond not charging it."""
    assert step.before is not None, "what is taken was held"
    booked = STANDING[step.before.reservation.state] is Account.BOOKED
    krw = 0
    if booked and type(event) in GIVEN_BACK:
        rate = books.prices.rate(step.after.tariff, step.after.reservation.company, less.resource)
        krw = rate.compensation(less.krw)
    return Amount(less.resource, less.month, 0, krw)


def _returned(step: Step, books: Books) -> Iterator[Transfer]:
    """What an event returns of late fees, most often those of others: it booked again what they gave back."""
    for fee in step.late_fees:
        if fee.returned:
            period = books.periods.period_of(fee.month)
            accounts = (Account.PENALTY, Account.REFUNDED)
            about = (fee.company, fee.reservation, fee.resource, period, fee.month)
            yield Transfer(*about, *accounts, 0, fee.returned)


def _by_use(amount: Amount, target: Account, idle: dict[str, int]) -> tuple[tuple[Amount, Account], ...]:
    """What moves to an account; of what was used, the part that nodes reported as idle stands apart, at its price.

    `idle` loses what is taken of it, so that a booking over two months does not count it twice.
    """
    seconds = min(idle.get(amount.resource, 0), amount.unit_seconds) if target is Account.USED else 0
    if not seconds:
        return ((amount, target),)
    idle[amount.resource] -= seconds
    krw = amount.krw * seconds // amount.unit_seconds
    resource, month = amount.resource, amount.month
    used = Amount(resource, month, amount.unit_seconds - seconds, amount.krw - krw)
    parts = ((used, target), (Amount(resource, month, seconds, krw), Account.IDLE))
    return tuple((part, account) for part, account in parts if part.unit_seconds or part.krw)


def _keyed(held: Iterable[Amount]) -> dict[tuple[str, int], Amount]:
    """Amounts by resource and month."""
    return {(amount.resource, amount.month): amount for amount in held}


def _paired(before: Claim, after: Claim) -> list[tuple[Amount, Amount]]:
    """What was held and what is held, by resource and month; nothing, where something else is asked for or was."""
    held, holds = _keyed(before.amounts), _keyed(after.amounts)
    keys = {**held, **holds, **_keyed(before.asked), **_keyed(after.asked)}
    return [(held.get(key) or Amount(*key, 0, 0), holds.get(key) or Amount(*key, 0, 0)) for key in keys]


def _split(had: Amount, has: Amount) -> tuple[Amount, Amount, Amount]:
    """What stays, what comes, and what goes."""
    resource, month = had.resource, had.month
    seconds, krw = min(had.unit_seconds, has.unit_seconds), min(had.krw, has.krw)
    return (
        Amount(resource, month, seconds, krw),
        Amount(resource, month, has.unit_seconds - seconds, has.krw - krw),
        Amount(resource, month, had.unit_seconds - seconds, had.krw - krw),
    )


def _granted(event: events.QuotaGranted, books: Books) -> tuple[Transfer, ...]:
    """A quota, in the month in which it begins, and what it is worth by the rate card known then."""
    quota = event.quota
    month, _ = books.periods.at(quota.start)
    krw = books.worth(quota)
    if not quota.unit_seconds:
        return ()
    period = books.periods.period_of(month)
    accounts = (Account.CAPACITY, Account.GRANTED)
    return (Transfer(quota.company, "", quota.meter, period, month, *accounts, quota.unit_seconds, krw),)


def _reclaimed(company: str, removal: Removal, lost_to: Account, books: Books) -> Iterator[Transfer]:
    """What a review takes back of a quota, in the month in which it begins, with what it is worth by now."""
    month, _ = books.periods.at(removal.start)
    quota = Quota(
        company=company,
        meter=removal.meter,
        start=removal.start,
        end=removal.start + 1,
        unit_seconds=removal.unit_seconds,
    )
    about = (company, "", removal.meter, books.periods.period_of(month), month)
    return _of_grant(about, Account.GRANTED, lost_to, removal.unit_seconds, books.worth(quota))


def _of_grant(
    about: tuple[str, str, str, int, int], source: Account, target: Account, unit_seconds: int, krw: int
) -> Iterator[Transfer]:
    """Hours of a quota to or from the centre, with their worth; to or from a reserve that stays with the centre.

    What an hour is worth differs from company to company, so a reserve is of hours alone: whoever gets them is granted
    their own worth of them.
    """
    if Account.RESERVE not in (source, target):
        yield Transfer(*about, source, target, unit_seconds, krw)
        return
    yield Transfer(*about, source, target, unit_seconds, 0)
    if krw:
        giver, taker = (Account.CAPACITY if each is Account.RESERVE else each for each in (source, target))
        yield Transfer(*about, giver, taker, 0, krw)


def _corrected(correction: Correction, books: Books, at: int) -> Iterator[Transfer]:
    """What an operator gives a company or, negative, takes from it, in the month in which it was decided.

    Hours are of a quota, so they stand where that was granted: in the month in which it begins.
    """
    hours = correction.unit_seconds
    month, _ = books.periods.at(correction.start if hours else at)
    giver = Account.RESERVE if correction.from_reserve else Account.CAPACITY
    accounts = (giver, Account.GRANTED if hours else Account.COMPENSATION)
    source, target = accounts if (hours or correction.krw) > 0 else reversed(accounts)
    about = (correction.company, correction.reservation_id, correction.meter or CORRECTIONS)
    months = (books.periods.period_of(month), month)
    return _of_grant((*about, *months), source, target, abs(hours), abs(correction.krw))


def _carried(claims: Iterable[Claim], before: int, closed: int, books: Books) -> Iterator[Transfer]:
    """What is still pending in the months that are being closed goes to the open one. `before` were closed already."""
    for claim in claims:
        reservation = claim.reservation
        stands = [(STANDING[reservation.state], amount) for amount in claim.amounts]
        for pending, amount in (*stands, *((Account.HELD, amount) for amount in claim.asked)):
            old, new = (books.periods.period_of(amount.month, until) for until in (before, closed))
            if old != new:
                what = (amount.month, amount.unit_seconds, amount.krw)
                yield _entry(reservation, amount.resource, old, what, pending, Account.CAPACITY)
                yield _entry(reservation, amount.resource, new, what, Account.CAPACITY, pending)


def _transfer(books: Books, reservation: Reservation, amount: Amount, source: Account, target: Account) -> Transfer:
    return Transfer(
        reservation.company,
        reservation.id,
        amount.resource,
        books.periods.period_of(amount.month),
        amount.month,
        source,
        target,
        amount.unit_seconds,
        amount.krw,
    )


def _entry(
    reservation: Reservation, resource: str, period: int, what: tuple[int, int, int], source: Account, target: Account
) -> Transfer:
    month, unit_seconds, krw = what
    return Transfer(reservation.company, reservation.id, resource, period, month, source, target, unit_seconds, krw)
