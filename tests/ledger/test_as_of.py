"""As of a time, and as known at a position: every answer equals a fold of the log cut off there."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.eventlog.page import Record, decode_page
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.batch import Checkpoint
from services.ledger.books import Books
from services.ledger.facts import Fact, facts_of
from services.ledger.moments import moment
from services.ledger.reporting import balances, history, statements
from services.ledger.reporting.books_api import BooksApi
from services.ledger.reporting.views import FOREVER, NOW, NotFound, View
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import MONDAY, OPENING, chained, confirmed, entry, extend, held, hours
from tests.ledger.test_statements import AUDITOR, accounts, call, refusal

PAGES = chained(busy_centre(40, seed=11))
ENTRIES = [entry for page in PAGES for entry in decode_page(page).entries]
TIMES = sorted({entry.time for entry in ENTRIES})

positions = st.integers(1, len(PAGES))
moments = st.sampled_from(TIMES).flatmap(lambda time: st.sampled_from([time - 1, time, time + 1])).map(moment)

Amounts = dict[tuple[str, str], tuple[int, int]]
"""Unit-seconds and KRW, by resource and account."""
months = st.sampled_from([0, 202603, 202604, 202605])


def facts() -> list[Fact]:
    """Every fact of the log."""
    books, found = Books(), list[Fact]()
    for position, data in enumerate(PAGES, 1):
        record = Record(position=position, data=data)
        found += facts_of(record, decode_page(data), len(found), books)
    return found


FACTS = facts()


def refolded(company: str, position: int, until: datetime, month: int = 0) -> Amounts:
    """What a log of so many pages leaves on the accounts of a month or of all, of decisions no later than a moment."""
    amounts: Amounts = defaultdict(lambda: (0, 0))
    for fact in FACTS:
        for transfer in fact.transfers if fact.position <= position and fact.time <= until else ():
            if company in ("-", transfer.company) and month in (0, transfer.period):
                for account, sign in ((transfer.from_account, -1), (transfer.to_account, 1)):
                    seconds, krw = amounts[(transfer.resource, account.value)]
                    added = (seconds + sign * transfer.unit_seconds, krw + sign * transfer.krw)
                    amounts[(transfer.resource, account.value)] = added
    return {key: pair for key, pair in amounts.items() if any(pair)}


def plain(amounts: Iterable[balances.Amount]) -> Amounts:
    return {(amount.resource, amount.account): (amount.unit_seconds, amount.krw) for amount in amounts}


async def balance(ledger: Ledger, company: str, view: View, month: int = 0) -> tuple[Checkpoint, Amounts]:
    """What is answered."""
    if company == "-":
        known, amounts = await balances.centre_balance(ledger.readers, view, month)
    else:
        known, amounts = await balances.company_balance(ledger.readers, company, view, month)
    return known, plain(amounts)


@pytest.fixture
async def busy(ledger: Ledger) -> Ledger:
    ledger.log.pages += PAGES
    await ledger.fold()
    return ledger


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    company=st.sampled_from(["-", *COMPANIES]),
    position=st.none() | positions,
    until=st.none() | moments,
    month=months,
)
async def test_a_balance_at_any_point_is_a_refold(
    busy: Ledger, company: str, position: int | None, until: datetime | None, month: int
) -> None:
    """Any company or all, any month or all, any position, any time, a microsecond beside each decision included."""
    known, amounts = await balance(busy, company, View(as_of=until, known_at=position), month)
    assert known.position == (position or len(PAGES))
    assert known.number == sum(fact.position <= known.position for fact in FACTS)
    assert amounts == refolded(company, known.position, until or FOREVER, month)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    company=st.sampled_from(COMPANIES),
    period=st.tuples(moments, moments).map(sorted),
    position=st.none() | positions,
    until=st.none() | moments,
)
async def test_a_statement_at_any_point_is_a_refold(
    busy: Ledger, company: str, period: list[datetime], position: int | None, until: datetime | None
) -> None:
    """Its opening, its lines and its closing are those of a log cut off there."""
    start, end = period
    found = await statements.interval_statement(busy.readers, company, start, end, View(as_of=until, known_at=position))
    last, step = position or len(PAGES), timedelta(microseconds=1)
    latest = until or FOREVER
    assert plain(found.opening) == refolded(company, last, min(start - step, latest))
    assert plain(found.closing) == refolded(company, last, min(end - step, latest))
    assert [(line.position, line.time, line.unit_seconds) for line in found.lines] == [
        (fact.position, fact.time, transfer.unit_seconds)
        for fact in FACTS
        for transfer in fact.transfers
        if transfer.company == company and fact.position <= last and start <= fact.time < end and fact.time <= latest
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    company=st.sampled_from(COMPANIES),
    month=months,
    known=st.tuples(positions, positions).map(sorted),
    true=st.none() | st.tuples(moments, moments).map(sorted),
)
async def test_changes_between_any_two_points_are_two_refolds(
    busy: Ledger, company: str, month: int, known: list[int], true: list[datetime] | None
) -> None:
    """What was, what is, and every entry in between, for any month, two positions and two times."""
    earlier, later = true or [FOREVER, FOREVER]
    base, view = (
        View(as_of=true and moment, known_at=place) for moment, place in zip((earlier, later), known, strict=True)
    )
    found = await statements.changes(busy.readers, company, month, base, view)
    assert plain(found.before) == refolded(company, known[0], earlier, month)
    assert plain(found.after) == refolded(company, known[1], later, month)
    assert [(line.position, line.unit_seconds, line.krw) for line in found.lines] == [
        (fact.position, transfer.unit_seconds, transfer.krw)
        for fact in FACTS
        for transfer in fact.transfers
        if transfer.company == company
        and month in (0, transfer.period)
        and fact.position <= known[1]
        and fact.time <= later
        and not (fact.position <= known[0] and fact.time <= earlier)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 60), position=st.none() | positions, until=st.none() | moments)
async def test_a_history_at_any_point_is_a_refold(
    busy: Ledger, number: int, position: int | None, until: datetime | None
) -> None:
    """The events of a reservation that were known and true then, and no reservation before its first one."""
    name = f"r{number}"
    told = [fact for fact in FACTS if fact.reservation == name]
    kept = [
        (fact.position, fact.index, fact.type)
        for fact in told
        if fact.position <= (position or len(PAGES)) and fact.time <= (until or FOREVER)
    ]
    company = told[0].company if told else COMPANIES[0]
    reading = history.history(busy.readers, company, name, View(as_of=until, known_at=position), voters_named=True)
    if not kept:
        with pytest.raises(NotFound):
            await reading
        return
    _, entries = await reading
    assert [(entry.position, entry.index, entry.event) for entry in entries] == kept


async def test_as_of_now_is_live(busy: Ledger) -> None:
    """Asked as of the last decision and known at the last position, every answer is the live one."""
    now = View(as_of=moment(TIMES[-1]), known_at=len(PAGES))
    for company in ("-", *COMPANIES):
        assert await balance(busy, company, now) == await balance(busy, company, NOW)
        assert await balance(busy, company, View(as_of=datetime.max.replace(tzinfo=UTC))) == await balance(
            busy, company, NOW
        )


async def test_a_position_to_come_is_waited_for(ledger: Ledger) -> None:
    """What is asked as known at a position that is not there yet is answered when it is, or refused; never guessed."""
    extend(ledger.log, OPENING, (entry(confirmed("r1", held([0], hours(2, 6)))),))
    await ledger.fold()
    api = BooksApi(ledger.readers, ledger.progress)
    request = wire.GetBalanceRequest(name="companies/CMP-0001", known_at=1, as_of=Timestamp(seconds=MONDAY))
    answer = await api.get_balance(call(AUDITOR), request)
    assert (answer.position, set(accounts(answer.accounts))) == (1, {("h100", "capacity"), ("h100", "granted")})
    request.known_at = 9
    problem = await refusal(api.get_balance(call(seconds=0.3), request))
    assert (problem.code, problem.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_YET")
    request.known_at = -1
    assert (await refusal(api.get_balance(call(), request))).code is grpc.StatusCode.INVALID_ARGUMENT
