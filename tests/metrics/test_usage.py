"""The fold: figures equal the naive model, survive any paging and restart, and a log that makes no sense stops it."""

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.allocation import events
from services.allocation.reservations import State, used_until
from services.allocation.values.correction import Correction, CorrectionKind
from services.allocation.values.origin import Origin
from services.allocation.values.reclaim import Removal
from services.eventlog import BrokenLog
from services.eventlog.page import FORMAT, GENESIS, Entry, Page
from services.ledger.books import Books
from services.ledger.posting import post
from services.metrics.availability import Availability
from services.metrics.counts import LIVE_STATES, Account, Tally
from services.metrics.figures import LabelLimits, draw
from services.metrics.taken_back import SYSTEM, Reclaimed
from services.metrics.usage import EVENT_NAMES, Usage
from tests.metrics.naive import COMPANIES, POOLS, START, Decision, Naive, at, confirmations, histories, opening
from tests.metrics.synthetic import HOUR_SECONDS, confirmed, requested


def page(history: list[Decision], actor: str = "test") -> Page:
    """One page of decisions."""
    return Page(
        format=FORMAT,
        centre="test",
        writer="writer",
        epoch=1,
        time=history[-1][0] * 1_000_000 if history else 0,
        previous=GENESIS,
        entries=tuple(Entry(time=time * 1_000_000, actor=actor, events=tuple(decided)) for time, decided in history),
    )


def folded(*pages: Page) -> Usage:
    """The usage after these pages."""
    usage = Usage()
    for position, taken in enumerate(pages, 1):
        usage.apply(position, taken)
    return usage


def everything(usage: Usage) -> tuple[object, ...]:
    """All that a usage says, whatever its position."""
    return (
        usage.now,
        {name: (pool.resource, pool.live, pool.entered) for name, pool in usage.pools.items()},
        usage.companies,
        {pair: (account.reserved, account.used, account.released) for pair, account in usage.accounts.items()},
        usage.meters,
        {name: [tally.unit_seconds for tally in pool.reclaimed.values()] for name, pool in usage.pools.items()},
        usage.applied,
        usage.reserved_now(),
        usage.quotas_now(),
    )


@given(histories())
def test_accounts_equal_the_naive_model(history: list[Decision]) -> None:
    """P6: unit-seconds reserved, used, released and held are those of the model, to the unit-second."""
    usage, naive = folded(page(history)), Naive(history)
    for company in COMPANIES:
        for pool in POOLS:
            account = usage.accounts.get((company, pool), Account())
            for name in ("reserved", "used", "released", "held"):
                assert getattr(account, name) == naive.account(company, pool, name)


GIVEN_BACK = ("released", "refunded")


@given(histories())
def test_accounts_equal_the_ledgers_postings(history: list[Decision]) -> None:
    """P6: the fold and the ledger's books say the same of every company and resource, to the unit-second."""
    usage, books = folded(page(history)), Books()
    balances: Counter[tuple[str, str, str]] = Counter()
    timed = [(time, event) for time, decided in history for event in decided]
    for number, (time, event) in enumerate(timed):
        step = books.take(event, number, time, 1)
        for transfer in post(event, step, books, time):
            balances[transfer.company, transfer.resource, transfer.to_account] += transfer.unit_seconds
            balances[transfer.company, transfer.resource, transfer.from_account] -= transfer.unit_seconds
    for (company, pool), account in usage.accounts.items():
        for name, posted in (("held", ("held", "booked")), ("used", ("used", "idle")), ("released", GIVEN_BACK)):
            assert getattr(account, name) == sum(balances.pop((company, pool, each), 0) for each in posted)
    assert not any(amount for (*_, name), amount in balances.items() if name not in ("granted", "capacity"))


@given(histories())
def test_quotas_equal_the_naive_model(history: list[Decision]) -> None:
    """P6: what is booked in every period is what the model counts, and the current one is shown."""
    usage, naive = folded(page(history)), Naive(history)
    for periods in usage.meters.values():
        for period in periods:
            assert period.booked == naive.booked(period.quota)
            if period.quota.start <= naive.now < period.quota.end:
                shown = usage.quotas_now()[period.quota.company, period.quota.meter]
                assert shown == (period.quota.unit_seconds, period.booked)


@given(histories())
def test_units_and_reservations_equal_the_naive_model(history: list[Decision]) -> None:
    """P6: units held now, live reservations and transitions are those of the model."""
    usage, naive = folded(page(history)), Naive(history)
    for pool in POOLS:
        standing = naive.standing(pool)
        for state in LIVE_STATES:
            assert usage.reserved_now()[pool, state] == naive.reserved_now(pool, state)
            assert usage.pools[pool].live[state] == sum(naive.state(name) == state for name in standing)
        for state in State:
            entered = sum(state in naive.entered(name) for name in standing)
            assert usage.pools[pool].entered[state] == entered


@given(histories(), st.data())
def test_restart_and_paging_change_nothing(history: list[Decision], data: st.DataObject) -> None:
    """However the events lie on pages, and whenever the fold begins again, the figures are the same."""
    cut = data.draw(st.integers(0, len(history)))
    whole = folded(page(history))
    assert everything(folded(page(history[:cut]), page(history[cut:]))) == everything(whole)
    assert everything(folded(*(page([decision]) for decision in history))) == everything(whole)


@given(confirmations(1))
def test_moving_changes_no_figure(event: events.ReservationConfirmed) -> None:
    """Units that move before the start leave every figure as it was."""
    moved = events.AllocationsMoved(reservation_id=event.reservation_id, allocations=event.allocations)
    before = folded(page([*opening(), (at(1), [event])]))
    after = folded(page([*opening(), (at(1), [event, moved])]))
    assert after.accounts == before.accounts
    assert after.reserved_now() == before.reserved_now()


def accounted(usage: Usage) -> tuple[object, ...]:
    """What was asked for, granted, held and given back; not how many reservations stand."""
    return (
        [pool.entered for pool in usage.pools.values()],
        {pair: (account.reserved, account.used, account.released) for pair, account in usage.accounts.items()},
        usage.meters,
        usage.reserved_now(),
        usage.quotas_now(),
    )


@given(confirmations(1), st.integers(1, 63))
def test_what_is_split_is_no_new_demand(event: events.ReservationConfirmed, quarter: int) -> None:
    """P6: no figure of what was asked for, reserved or given back moves; there is one live reservation more."""
    cut = at(quarter)
    rest = tuple(each for each in used_until(event.allocations, cut) if each.spans)
    gone = tuple(replace(each, spans=each.since(cut)) for each in event.allocations if each.since(cut))
    if not (rest and gone):
        return
    shared = {"lines": event.lines, "note": event.note}
    decided = [
        event,
        events.ReservationChanged(
            reservation_id=event.reservation_id, start=event.start, end=cut, allocations=rest, parted="part", **shared
        ),
        replace(
            event,
            reservation_id="part",
            start=cut,
            allocations=gone,
            origin=Origin(of=event.reservation_id, first=event.reservation_id),
            booked_at=at(0),
        ),
    ]
    before, after = folded(page([*opening(), (at(0), [event])])), folded(page([*opening(), (at(0), decided)]))
    assert accounted(after) == accounted(before)
    assert after.mix.recent(after.now) == before.mix.recent(before.now)
    assert sum(sum(pool.live.values()) for pool in after.pools.values()) == len({each.resource for each in rest}) + len(
        {each.resource for each in gone}
    )


@given(confirmations(1), st.sampled_from(COMPANIES))
def test_what_is_handed_over_is_held_and_paid_by_the_other_company(event: events.ReservationConfirmed, to: str) -> None:
    """P6: released by the one and reserved by the other, in figures and quotas; the units are busy as before."""
    name, company = event.reservation_id, event.company
    decided = [
        event,
        events.TransferOffered(reservation_id=name, to=to, expires_at=event.start),
        events.TransferAccepted(reservation_id=name, to=to),
        events.ReservationTransferred(
            reservation_id=name,
            company=to,
            former=company,
            start=event.start,
            end=event.end,
            lines=event.lines,
            allocations=event.allocations,
        ),
    ]
    before, after = folded(page([*opening(), (at(0), [event])])), folded(page([*opening(), (at(0), decided)]))
    assert after.reserved_now() == before.reserved_now()
    assert [pool.live for pool in after.pools.values()] == [pool.live for pool in before.pools.values()]
    booked = {key: [period.booked for period in periods] for key, periods in before.meters.items()}
    for pool in POOLS:
        held = before.accounts[company, pool].held if (company, pool) in before.accounts else 0
        assert after.accounts.get((to, pool), Account()).held == held
        assert [period.booked for period in after.meters[to, pool]] == booked[company, pool]
        if to != company:
            assert after.accounts.get((company, pool), Account()).released == held
            assert not any(period.booked for period in after.meters[company, pool])


def test_confirmed_counts_as_reserved_until_it_is_activated() -> None:
    """A reservation whose time has come holds its units now, under the state that it is in."""
    booked = confirmed(1, "CMP-0001", "pool-000", START)
    usage = folded(page([*opening(), (START, [booked])]))
    assert usage.reserved_now()["pool-000", State.CONFIRMED] == 8
    usage.apply(2, page([(START, [events.ReservationActivated(reservation_id=booked.reservation_id)])]))
    assert usage.reserved_now()["pool-000", State.CONFIRMED] == 0
    assert usage.reserved_now()["pool-000", State.ACTIVE] == 8
    usage.apply(3, page([(START + 2 * HOUR_SECONDS, [])]))
    assert usage.reserved_now()["pool-000", State.ACTIVE] == 0


def test_what_a_review_takes_back_is_no_budget_any_more() -> None:
    """The limit that is shown is what is left of it, for that company and meter alone."""
    usage = folded(page(opening()))
    before = usage.quotas_now()
    (company, meter), period = next(iter(usage.periods_now().items()))
    removal = Removal(meter=meter, start=period.quota.start, unit_seconds=3_600)
    review = events.QuotaReviewed(company=company, at=START, meters=(), removals=(removal,))
    usage.apply(2, page([(START, [review])]))
    limit, booked = before[company, meter]
    assert usage.quotas_now() == {**before, (company, meter): (limit - 3_600, booked)}


def test_hours_that_are_corrected_are_in_the_budget() -> None:
    """The limit that is shown is what the quota comes to, for that company, meter and period alone."""
    usage = folded(page(opening()))
    before = usage.quotas_now()
    (company, meter), period = next(iter(usage.periods_now().items()))
    fields = {"id": "c", "company": company, "kind": CorrectionKind.ERROR, "reason": "it stood still"}
    wish = Correction(**fields, krw=0, unit_seconds=3_600, meter=meter, start=period.quota.start)
    usage.apply(2, page([(START, [events.CorrectionPosted(correction=wish)])]))
    limit, booked = before[company, meter]
    assert usage.quotas_now() == {**before, (company, meter): (limit + 3_600, booked)}


def test_a_reserve_has_what_reviews_returned_and_nobody_was_given() -> None:
    """By pool and programme; what went to no reserve, or was given without one, is not in it, and a reversal is."""
    usage = folded(page(opening()))
    (company, meter), period = next(iter(usage.periods_now().items()))
    removal = Removal(meter=meter, start=period.quota.start, unit_seconds=3_600)
    review = events.QuotaReviewed(company=company, at=START, meters=(), removals=(removal,), to_reserve=True)
    gift = {"company": company, "kind": CorrectionKind.GOODWILL, "reason": "it can use them", "krw": 0}
    gift |= {"meter": meter, "start": period.quota.start}
    posted = [
        Correction(id="c1", unit_seconds=1_000, from_reserve=True, **gift),
        Correction(id="c2", unit_seconds=-400, from_reserve=True, **gift),
        Correction(id="c3", unit_seconds=100, **gift),
    ]
    told = [review, replace(review, to_reserve=False), *(events.CorrectionPosted(correction=each) for each in posted)]
    usage.apply(2, page([(START, told)]))
    programme = usage.companies[company].programme
    reserves = draw(usage, Availability(), LabelLimits()).reserves
    assert reserves == {(meter, programme): 3_600 - 1_000 + 400}


def test_quota_outside_its_period_shows_zero() -> None:
    """A meter whose periods do not contain now has no budget now, and keeps its series."""
    usage = folded(page([*opening(), (at(1000), [])]))
    assert set(usage.quotas_now().values()) == {(0, 0)}


def test_position_and_time_are_those_of_the_last_page() -> None:
    """P5: the figures say which page they equal, and which moment they are about."""
    usage = folded(page(opening()), page([(at(3), [])]))
    assert (usage.position, usage.now) == (2, at(3))


def test_event_about_the_unknown_stops_the_fold() -> None:
    """P9: an event about a reservation that never was is refused with its name and place."""
    with pytest.raises(BrokenLog, match="page 7: reservation R-9 is not live: reservation_completed cannot follow"):
        Usage().apply(7, page([(START, [events.ReservationCompleted(reservation_id="R-9")])]))


def test_booking_of_a_stranger_stops_the_fold() -> None:
    """P9: a company or a resource that was never registered cannot hold anything."""
    booked = confirmed(1, "CMP-9999", "pool-000", START)
    with pytest.raises(BrokenLog, match="reservation_confirmed about 'CMP-9999'"):
        folded(page([*opening(), (START, [booked])]))


def test_every_event_has_its_name() -> None:
    """The applied counts carry the names of the wire."""
    assert EVENT_NAMES[events.ReservationConfirmed] == "reservation_confirmed"
    assert set(EVENT_NAMES) == set(get_args(events.Event))


BOOKED = confirmed(1, "CMP-0001", "pool-000", START)
NAME = BOOKED.reservation_id
HALF = START + HOUR_SECONDS
REST = 8 * HOUR_SECONDS
RUNNING = (BOOKED, events.ReservationActivated(reservation_id=NAME))
RELEASED = events.ReservationReleased(reservation_id=NAME, released_at=HALF)
WARNED = events.ReservationWarned(reservation_id=NAME, release_at=HALF)
SHORTER = (replace(BOOKED.allocations[0], spans=((START, HALF),)),)
SHORTENED = events.ReservationChanged(
    reservation_id=NAME, start=START, end=HALF, lines=BOOKED.lines, allocations=SHORTER
)


@pytest.mark.parametrize(
    ("happened", "actor", "reclaimed"),
    [
        ((*RUNNING, RELEASED), "companies/CMP-0001", {Reclaimed.EARLY: REST}),
        ((*RUNNING, WARNED, RELEASED), "companies/CMP-0001", {Reclaimed.EARLY: REST}),
        ((*RUNNING, WARNED, RELEASED), SYSTEM, {Reclaimed.IDLE: REST}),
        ((*RUNNING, RELEASED), SYSTEM, {Reclaimed.REVOKED: REST}),
        (
            (*RUNNING, events.ReservationMissed(reservation_id=NAME, released_at=HALF)),
            SYSTEM,
            {Reclaimed.NO_SHOW: REST},
        ),
        ((*RUNNING, SHORTENED), "companies/CMP-0001", {Reclaimed.EARLY: REST}),
        ((BOOKED, SHORTENED), "companies/CMP-0001", {}),
        ((BOOKED, events.ReservationCancelled(reservation_id=NAME)), "companies/CMP-0001", {}),
        ((*RUNNING, events.ReservationCompleted(reservation_id=NAME)), SYSTEM, {}),
    ],
)
def test_what_had_begun_and_was_given_back_is_told_by_why(
    happened: tuple[events.Event, ...], actor: str, reclaimed: dict[Reclaimed, int]
) -> None:
    """By whom and after what it was given back; what had not begun kept nobody out, and is not reclaimed."""
    usage = folded(page(opening()), page([(START, list(happened))], actor))
    tallies = usage.pools["pool-000"].reclaimed
    assert {cause: tally.unit_seconds for cause, tally in tallies.items() if tally.at} == reclaimed
    assert all(tally.at == 2 for tally in tallies.values() if tally.unit_seconds)
    assert usage.lost == {}


@pytest.mark.parametrize(
    ("begun", "taken", "lost"),
    [
        (True, events.ReservationDisplaced(reservation_id=NAME, displaced_at=HALF, outage="OUT-1"), ("outage", REST)),
        (True, events.ReservationCurtailed(reservation_id=NAME, until=HALF, outage="OUT-1"), ("outage", REST)),
        (False, events.ReservationDisplaced(reservation_id=NAME, displaced_at=START, outage="O"), ("outage", 2 * REST)),
        (True, events.ReservationCurtailed(reservation_id=NAME, until=HALF, funding="F"), ("funding", REST)),
    ],
)
def test_what_a_company_loses_by_no_fault_of_its_own_is_told(
    begun: bool, taken: events.ReservationEvent, lost: tuple[str, int]
) -> None:
    """What an outage or a want of funding took away, before the start or after it, and the units are not reclaimed."""
    happened = [*(RUNNING if begun else (BOOKED,)), taken]
    usage = folded(page(opening()), page([(START, happened)], SYSTEM))
    why, unit_seconds = lost
    assert usage.lost == {("CMP-0001", why): Tally(unit_seconds, 2)}
    assert usage.accounts["CMP-0001", "pool-000"].released == unit_seconds
    assert not any(tally.at for tally in usage.pools["pool-000"].reclaimed.values())


def test_what_waits_for_approval_tells_when_it_is_denied() -> None:
    """The earliest deadline of each pool, and none of what was decided."""
    later, sooner = (
        requested(confirmed(number, "CMP-0001", "pool-000", START + number * HOUR_SECONDS)) for number in (9, 5)
    )
    usage = folded(page([*opening(), (START, [later, sooner])]))
    assert usage.next_denials() == {"pool-000": sooner.expires_at}
    usage.apply(2, page([(START, [events.ReservationDenied(reservation_id=sooner.reservation_id)])]))
    assert usage.next_denials() == {"pool-000": later.expires_at}
