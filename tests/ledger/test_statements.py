"""Balances, statements and histories: right to the unit-second, at a stated position, and the caller's own."""

import asyncio
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.reporting import balances, statements
from services.ledger.reporting.books_api import BooksApi
from services.ledger.reporting.views import NOW
from services.runtime.doors import Call
from services.runtime.identity import Identity, Role
from services.runtime.problems import Problem
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    HOUR,
    MONDAY,
    OPENING,
    activated,
    cancelled,
    chained,
    confirmed,
    entry,
    extend,
    held,
    hours,
    moved,
    released,
    requested,
    voted,
)

COMPANY = Identity("kim", Role.COMPANY, "CMP-0001")
OTHER = Identity("park", Role.COMPANY, "CMP-0002")
OPERATOR = Identity("lee", Role.OPERATOR, "")
AUDITOR = Identity("han", Role.AUDITOR, "")


def call(identity: Identity = COMPANY, seconds: float = 5.0) -> Call:
    """A call that may take so many seconds."""
    return Call(identity, "", monotonic() + seconds)


def timestamp(seconds: int) -> Timestamp:
    return Timestamp(seconds=seconds)


def accounts(amounts: Any) -> dict[tuple[str, str], int]:
    return {(amount.resource, amount.account): amount.unit_seconds for amount in amounts}


def period(first: int, last: int, name: str = "companies/CMP-0001") -> wire.GetStatementRequest:
    """A statement from one hour to another after Monday midnight."""
    start, end = (timestamp(MONDAY + hour * HOUR) for hour in (first, last))
    return wire.GetStatementRequest(name=name, start_time=start, end_time=end)


async def refusal(answer: Any) -> Problem:
    """How a call is refused."""
    with pytest.raises(Problem) as problem:
        await answer
    return problem.value


@pytest.fixture
async def told(ledger: Ledger) -> Ledger:
    """Two bookings of one company, hour by hour: one released early, one cancelled."""
    r1, r2 = held(range(4), hours(2, 6)), held([8], hours(20, 30))
    extend(
        ledger.log,
        OPENING,
        (entry(confirmed("r1", r1), at=MONDAY + HOUR, request_id="q1"),),
        (entry(moved("r1", held(range(4, 8), hours(2, 6))), at=MONDAY + HOUR, actor="CMP-0002", request_id="q9"),),
        (entry(activated("r1"), at=MONDAY + 2 * HOUR, actor="system"),),
        (entry(confirmed("r2", r2), at=MONDAY + 3 * HOUR),),
        (entry(released("r1", MONDAY + 4 * HOUR), at=MONDAY + 4 * HOUR),),
        (entry(cancelled("r2", "plans changed"), at=MONDAY + 5 * HOUR),),
    )
    await ledger.fold()
    return ledger


@pytest.fixture
def api(told: Ledger) -> BooksApi:
    return BooksApi(told.readers, told.progress)


async def test_a_balance_says_what_stands_and_where(api: BooksApi) -> None:
    """Granted, used and released add up, at the position and event that the answer names."""
    answer = await api.get_balance(call(), wire.GetBalanceRequest(name="companies/CMP-0001"))
    assert accounts(answer.accounts) == {
        ("h100", "capacity"): -(1000 + 16 + 10) * HOUR,
        ("h100", "granted"): 1000 * HOUR,
        ("h100", "used"): 8 * HOUR,
        ("h100", "released"): 18 * HOUR,
    }
    assert (answer.position, answer.events) == (7, 11)


async def test_a_statement_closes_where_its_lines_lead(api: BooksApi) -> None:
    """Opening plus lines is closing, for periods that begin and end anywhere."""
    for first, last in ((0, 24), (1, 2), (2, 4), (4, 5), (5, 6), (6, 7), (0, 1)):
        answer = await api.get_statement(call(), period(first, last))
        balance = accounts(answer.opening)
        for line in answer.lines:
            for account, amount in ((line.from_account, -line.unit_seconds), (line.to_account, line.unit_seconds)):
                balance[(line.resource, account)] = balance.get((line.resource, account), 0) + amount
        assert {key: amount for key, amount in balance.items() if amount} == accounts(answer.closing)


async def test_a_period_is_half_open(api: BooksApi) -> None:
    """What is decided exactly at the start counts, and what is decided exactly at the end does not."""
    lines = (await api.get_statement(call(), period(1, 4))).lines
    assert [(line.event, line.position) for line in lines] == [
        ("reservation_confirmed", 2),
        ("reservation_confirmed", 5),
    ]
    assert lines[0].reservation == "companies/CMP-0001/reservations/r1"
    assert lines[0].time.ToDatetime(UTC) == datetime.fromtimestamp(MONDAY + HOUR, UTC)
    following = (await api.get_statement(call(), period(4, 5))).lines
    assert [(line.to_account, line.unit_seconds) for line in following] == [("used", 8 * HOUR), ("released", 8 * HOUR)]


async def test_statements_of_adjoining_periods_join(ledger: Ledger) -> None:
    """Each period opens where the one before closed, through any history."""
    ledger.log.pages += chained(busy_centre(120))
    await ledger.fold()
    before: list[balances.Amount] = []
    for hour in range(8):
        start, end = (datetime.fromtimestamp(MONDAY + place * HOUR, UTC) for place in (hour, hour + 1))
        found = await statements.interval_statement(ledger.readers, COMPANIES[0], start, end, NOW)
        assert found.opening == before
        before = found.closing
    assert {(amount.resource, amount.account): amount.unit_seconds for amount in before} == await ledger.balances()


async def test_a_history_reads_like_a_story(api: BooksApi) -> None:
    """The life of a reservation in plain sentences, with who asked; whom it made room for stays untold (P8)."""
    answer = await api.get_history(call(AUDITOR), wire.GetHistoryRequest(name="companies/CMP-0001/reservations/r1"))
    assert [entry.description for entry in answer.entries] == [
        "CMP-0001 booked 4 GPUs of h100, from 2026-03-02 11:00 KST to 2026-03-02 15:00 KST.",
        "The centre moved it before its start, for the same times: 4 GPUs of h100.",
        "It started; its units are bound from here on.",
        "CMP-0001 released it early: used until 2026-03-02 13:00 KST, the rest was given back.",
    ]
    assert [(entry.position, entry.actor, entry.request_id) for entry in answer.entries] == [
        (2, "CMP-0001", "q1"),
        (3, "system", ""),
        (4, "system", ""),
        (6, "CMP-0001", ""),
    ]


async def test_a_company_does_not_learn_who_voted(ledger: Ledger) -> None:
    """P8: to the company a voter is an operator; operators and auditors are told the name."""
    four = held([0, 1, 2, 3], hours(2, 6))
    decision = entry(voted("r1"), confirmed("r1", four), actor="operators/lee", request_id="q7")
    extend(ledger.log, OPENING, (entry(requested("r1", four)),), (decision,))
    await ledger.fold()
    api = BooksApi(ledger.readers, ledger.progress)
    request = wire.GetHistoryRequest(name="companies/CMP-0001/reservations/r1")
    own = (await api.get_history(call(), request)).entries
    named = (await api.get_history(call(AUDITOR), request)).entries
    assert own[1].description == "An operator agreed to it (sound), under reference IRB-7."
    assert named[1].description == "Operator lee agreed to it (sound), under reference IRB-7."
    assert [(entry.actor, entry.request_id) for entry in own[1:]] == [("operators", "")] * 2
    assert [entry.actor for entry in named[1:]] == ["operators/lee"] * 2
    assert "lee" not in str(own)


async def test_a_history_can_be_had_as_it_was(api: BooksApi) -> None:
    """As of a time and as known at a position, later events are not told; before the first one there is nothing."""
    name = "companies/CMP-0001/reservations/r1"
    for view, events in (
        ({"as_of": timestamp(MONDAY + 3 * HOUR)}, 3),
        ({"known_at": 3}, 2),
        ({"known_at": 4, "as_of": timestamp(MONDAY + HOUR)}, 2),
    ):
        answer = await api.get_history(call(), wire.GetHistoryRequest(name=name, **view))
        assert len(answer.entries) == events
        assert answer.position == view.get("known_at", 7)
    for earlier in ({"as_of": timestamp(MONDAY)}, {"known_at": 1}):
        problem = await refusal(api.get_history(call(), wire.GetHistoryRequest(name=name, **earlier)))
        assert problem.code is grpc.StatusCode.NOT_FOUND


async def test_another_companys_name_is_no_name(api: BooksApi) -> None:
    """What belongs to another answers exactly as what does not exist (P8)."""

    async def words(identity: Identity, name: str) -> tuple[grpc.StatusCode, str, str]:
        if "/reservations/" in name:
            problem = await refusal(api.get_history(call(identity), wire.GetHistoryRequest(name=name)))
        else:
            problem = await refusal(api.get_balance(call(identity), wire.GetBalanceRequest(name=name)))
        return problem.code, problem.reason, problem.message.replace(name, "NAME")

    missing = await words(OPERATOR, "companies/CMP-9999")
    assert missing[0] is grpc.StatusCode.NOT_FOUND
    assert await words(OTHER, "companies/CMP-0001") == missing
    assert await words(OTHER, "companies/CMP-0001/reservations/r1") == missing
    assert await words(OTHER, "companies/CMP-0001/reservations/none") == missing
    assert await words(OTHER, "companies/CMP-0002/reservations/r1") == missing
    statement = await refusal(api.get_statement(call(OTHER), period(0, 1)))
    assert statement.code is grpc.StatusCode.NOT_FOUND


async def test_the_whole_centre_is_for_operators_and_auditors(api: BooksApi) -> None:
    """`companies/-` sums over all companies, and no company may ask for it."""
    request = wire.GetBalanceRequest(name="companies/-")
    for identity in (OPERATOR, AUDITOR):
        answer = await api.get_balance(call(identity), request)
        assert accounts(answer.accounts)[("h100", "used")] == 8 * HOUR
    assert (await refusal(api.get_balance(call(), request))).code is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "request_",
    [
        period(0, 1, name="companies/-"),
        period(0, 1, name="CMP-0001"),
        period(0, 1, name="companies/"),
        period(0, 1, name="companies/CMP-0001/extra"),
        period(1, 1),
        period(2, 1),
        period(0, 401 * 24),
        wire.GetStatementRequest(name="companies/CMP-0001"),
    ],
)
async def test_a_request_that_makes_no_sense_is_explained(api: BooksApi, request_: wire.GetStatementRequest) -> None:
    """A name of the wrong form and a period that is none are refused with the field that is wrong."""
    problem = await refusal(api.get_statement(call(), request_))
    assert problem.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_statement_that_is_too_long_says_what_fits(api: BooksApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of an answer that no client can take there is a shorter period to ask for."""
    monkeypatch.setattr(statements, "STATEMENT_LINES_MAX", 2)
    problem = await refusal(api.get_statement(call(), period(0, 24)))
    assert problem.reason == "STATEMENT_TOO_LONG"
    request = period(0, 24)
    request.end_time.FromDatetime(datetime.fromisoformat(problem.metadata["end_time"]))
    assert len((await api.get_statement(call(), request)).lines) == 2


async def test_an_answer_waits_for_the_position_asked_for(told: Ledger, api: BooksApi) -> None:
    """With `min_position` a reader sees its own booking, as soon as it is in the tables (P5)."""
    projector = await told.open()
    request = wire.GetBalanceRequest(name="companies/CMP-0001", min_position=8)
    asking = asyncio.create_task(api.get_balance(call(), request))
    extend(told.log, (entry(confirmed("r3", held([0], hours(40, 41)))),))
    await projector.follow(until=8)
    answer = await asking
    assert answer.position == 8
    assert accounts(answer.accounts)[("h100", "booked")] == HOUR


async def test_a_position_that_does_not_come_is_not_yet(api: BooksApi) -> None:
    """When the time is up the caller learns how far the ledger is, and when to ask again."""
    request = wire.GetBalanceRequest(name="companies/CMP-0001", min_position=100)
    problem = await refusal(api.get_balance(call(seconds=0.3), request))
    assert (problem.code, problem.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_YET")
    assert problem.metadata["position"] == "7"
    assert problem.retry_after_seconds


async def test_a_halted_ledger_gives_no_answers(told: Ledger, api: BooksApi) -> None:
    """A ledger that cannot trust the log says so instead of answering from it."""
    told.progress.halted = "the log is broken"
    problem = await refusal(api.get_balance(call(), wire.GetBalanceRequest(name="companies/CMP-0001")))
    assert (problem.code, problem.reason) == (grpc.StatusCode.UNAVAILABLE, "HALTED")
