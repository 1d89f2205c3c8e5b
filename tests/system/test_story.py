"""The main job on a running centre: a booking, what came with it, its accounts, its figures, and its end."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.ledger.v1 import ledger_pb2 as ledger_api
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from tests.system.checker import faults
from tests.system.harness import SECONDS_MAX, Clients, eventually, running_centre
from tests.system.raw_log import read_log
from tests.system.small_catalogue import COMPANY, DAY, HOUR, MONDAY, RIVAL
from tests.system.views import balance, scrape, view_faults
from tests.system.workload import booking, error_reason, refusal_reasons

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clients(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clients]:
    """A centre that every test books a resource or a time of its own in."""
    async with running_centre(tmp_path_factory.mktemp("story"), speed=HOUR) as clients:
        yield clients


async def book(clients: Clients, request: api.CreateReservationRequest) -> api.Reservation:
    """Book as the company that the request is for."""
    holder = request.parent.removeprefix("companies/")
    granted: api.Reservation = await clients.call(clients.scheduler.CreateReservation, request, holder)
    return granted


async def statement(clients: Clients, position: int) -> ledger_api.Statement:
    """The company's statement of the year, at a position or later."""
    request = ledger_api.GetStatementRequest(
        name=f"companies/{COMPANY}",
        start_time=Timestamp(seconds=MONDAY - DAY),
        end_time=Timestamp(seconds=MONDAY + 300 * DAY),
        min_position=position,
    )
    answer: ledger_api.Statement = await clients.call(clients.ledger.GetStatement, request, COMPANY)
    return answer


async def test_booking_reaches_statement_and_metrics(clients: Clients) -> None:
    """A yes names its position, and at that position the statement and the scrape carry it to the unit-second."""
    granted = await book(clients, booking(COMPANY, "core", 16, day=20))
    assert granted.state == api.Reservation.STATE_CONFIRMED
    told = await statement(clients, granted.position)
    lines = [line for line in told.lines if line.reservation == granted.name]
    assert [(line.from_account, line.to_account, line.unit_seconds) for line in lines] == [
        ("capacity", "booked", 16 * 2 * HOUR)
    ]
    assert lines[0].position == granted.position
    await eventually(lambda: _shown(clients, "core", 16 * 2 * HOUR), "the metrics show it")


async def _shown(clients: Clients, pool: str, unit_seconds: int) -> bool:
    return (await scrape(clients)).get(("alloc_held_unit_seconds", COMPANY, pool)) == unit_seconds


async def test_the_ledger_is_held_against_the_scheduler(clients: Clients) -> None:
    """P6: soon after its start, and again and again, what the tables hold is what the scheduler says that it holds."""
    first = await _compared(clients)
    await eventually(lambda: _compared_after(clients, first), "the two are compared")
    assert (await scrape(clients, "ledger"))[("alloc_states_difference_position",)] == 0


async def _compared(clients: Clients) -> float:
    return (await scrape(clients, "ledger"))[("alloc_states_compared_timestamp_seconds",)]


async def _compared_after(clients: Clients, time: float) -> bool:
    return await _compared(clients) > time


async def test_equipment_brings_its_staff_and_gpus(clients: Clients) -> None:
    """Co-required resources are granted together, refused together with every reason, and given back together."""
    granted = await book(clients, booking(COMPANY, "RIG", 1, day=21))
    held = {each.resource.partition("/")[2]: (each.units, each.companion_of) for each in granted.allocations}
    assert held == {"RIG": (1, ""), "STAFF": (2, "resources/RIG"), "milli": (2000, "resources/RIG")}
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await book(clients, booking(RIVAL, "RIG", 1, day=21))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal_reasons(refused.value) == ["NO_CAPACITY"] * 2  # the rig, and its staff
    request = api.CancelReservationRequest(name=granted.name, request_id=str(uuid.uuid4()))
    cancelled = await clients.call(clients.scheduler.CancelReservation, request, COMPANY)
    assert cancelled.state == api.Reservation.STATE_CANCELLED
    assert await book(clients, booking(RIVAL, "RIG", 1, day=21))
    told = await statement(clients, cancelled.position)
    moved = {line.resource: line.unit_seconds for line in told.lines if line.position == cancelled.position}
    assert moved == {"RIG": 2 * HOUR, "STAFF": 4 * HOUR, "milli": 4000 * HOUR}


async def test_watch_tells_everything_once_and_in_order(clients: Clients) -> None:
    """A watch resumed from a position tells every change after it, in order, to its own company alone."""
    first = await book(clients, booking(COMPANY, "core", 1, day=22))
    await book(clients, booking(RIVAL, "core", 1, day=22))
    second = await book(clients, booking(COMPANY, "core", 2, day=22))
    request = api.WatchReservationsRequest(parent=f"companies/{COMPANY}", after_position=first.position - 1)
    stream = clients.scheduler.WatchReservations(request, metadata=clients.bearer(COMPANY))
    cancel = api.CancelReservationRequest(name=first.name, request_id=str(uuid.uuid4()))
    cancelled = await clients.call(clients.scheduler.CancelReservation, cancel, COMPANY)
    told = await _changes(stream, until=cancelled.position)
    mine = {first.name, second.name}
    assert [(each.name, each.state) for each in told if each.name in mine] == [
        (first.name, api.Reservation.STATE_CONFIRMED),
        (second.name, api.Reservation.STATE_CONFIRMED),
        (first.name, api.Reservation.STATE_CANCELLED),
    ]
    assert all(each.name.startswith(f"companies/{COMPANY}/") for each in told)


async def _changes(stream: Any, until: int) -> list[api.Reservation]:
    told = []
    async with asyncio.timeout(SECONDS_MAX), aclosing(stream.__aiter__()) as messages:
        async for message in messages:
            if message.HasField("reservation"):
                told.append(message.reservation)
            if message.position >= until:
                break
    stream.cancel()
    return told


async def test_reservation_lives_and_is_accounted_for(clients: Clients) -> None:
    """Time activates and completes a reservation by events, and what was held becomes used."""
    start = (clients.centre.time.now() // HOUR + 2) * HOUR
    request = booking(COMPANY, "SEATS", 1, day=0)
    request.reservation.start_time.seconds, request.reservation.end_time.seconds = start, start + HOUR
    granted = await book(clients, request)
    history = ledger_api.GetHistoryRequest(name=granted.name, min_position=granted.position)

    async def completed() -> bool:
        told = await clients.call(clients.ledger.GetHistory, history, COMPANY)
        return bool([entry.event for entry in told.entries][-1] == "reservation_completed")

    await eventually(completed, "the reservation completes")
    told = await clients.call(clients.ledger.GetHistory, history, COMPANY)
    assert [entry.event for entry in told.entries] == [
        f"reservation_{word}" for word in ("confirmed", "activated", "completed")
    ]
    accounts = (await balance(clients, f"companies/{COMPANY}", COMPANY)).accounts
    assert {each.account: each.unit_seconds for each in accounts if each.resource == "SEATS"}["used"] == HOUR


async def test_repeated_request_has_one_effect(clients: Clients) -> None:
    """P4: the same id gives the same yes, with another body a refusal, and after a no it is a new question."""
    request = booking(COMPANY, "ROOM-A", 1, day=23)
    granted = await book(clients, request)
    assert await book(clients, request) == granted
    other = booking(COMPANY, "ROOM-A", 1, day=24)
    other.request_id = request.request_id
    with pytest.raises(grpc.aio.AioRpcError) as reused:
        await book(clients, other)
    assert (reused.value.code(), refusal_reasons(reused.value)) == (
        grpc.StatusCode.ALREADY_EXISTS,
        ["REQUEST_ID_REUSED"],
    )
    blocked = booking(RIVAL, "ROOM-B", 1, day=23)
    with pytest.raises(grpc.aio.AioRpcError) as busy:
        await book(clients, blocked)
    assert refusal_reasons(busy.value) == ["EXCLUSIVE_GROUP_BUSY"]
    cancel = api.CancelReservationRequest(name=granted.name, request_id=str(uuid.uuid4()))
    await clients.call(clients.scheduler.CancelReservation, cancel, COMPANY)
    assert await book(clients, blocked)


async def test_company_sees_only_its_own(clients: Clients) -> None:
    """P8: another's reservation answers as a missing one does, at the scheduler and at the ledger."""
    granted = await book(clients, booking(COMPANY, "core", 1, day=25))
    missing = granted.name[:-13] + "aaaaaaaaaaaaa"
    asked = (
        (clients.scheduler.GetReservation, api.GetReservationRequest),
        (clients.ledger.GetHistory, ledger_api.GetHistoryRequest),
    )
    await statement(clients, granted.position)
    for method, form in asked:
        answers = []
        for name in (granted.name, missing):
            with pytest.raises(grpc.aio.AioRpcError) as unseen:
                await clients.call(method, form(name=name), RIVAL)
            answers.append((unseen.value.code(), error_reason(unseen.value), unseen.value.details().replace(name, "")))
        assert answers[0] == answers[1]
        assert answers[0][0] is grpc.StatusCode.NOT_FOUND


async def test_an_outage_moves_and_displaces_and_is_accounted_for(clients: Clients) -> None:
    """One broken node moves a booking, a broken pool displaces it; ledger, history and metrics follow every step."""
    granted = await book(clients, booking(COMPANY, "core", 64, day=30))
    node = granted.allocations[0].unit_names[0]
    report = await declare(clients, "one", api.OutageScope(resource="resources/core", nodes=[node]))
    assert (granted.name, api.AffectedReservation.OUTCOME_MOVED) in affected(report)
    moved = await clients.call(clients.scheduler.GetReservation, api.GetReservationRequest(name=granted.name), COMPANY)
    assert moved.allocations[0].unit_names != granted.allocations[0].unit_names
    report = await declare(clients, "all", api.OutageScope(resource="resources/core"))
    assert (granted.name, api.AffectedReservation.OUTCOME_DISPLACED) in affected(report)
    told = await statement(clients, report.outage.position)
    lines = [
        (line.from_account, line.to_account, line.unit_seconds)
        for line in told.lines
        if line.reservation == granted.name
    ]
    assert lines == [
        ("capacity", "booked", 64 * 2 * HOUR),
        ("booked", "refunded", 64 * 2 * HOUR),
    ]
    request = ledger_api.GetHistoryRequest(name=granted.name, min_position=report.outage.position)
    history = await clients.call(clients.ledger.GetHistory, request, COMPANY)
    assert [entry.event for entry in history.entries][1:] == ["allocations_moved", "reservation_displaced"]
    assert "for the outage all" in history.entries[-1].description
    await eventually(lambda: _out(clients, "core", 16 * 64), "the metrics show what is out")
    for name in ("all", "one"):
        lift = api.LiftOutageRequest(name=f"outages/{name}", request_id=str(uuid.uuid4()))
        await clients.call(clients.scheduler.LiftOutage, lift, "operator")
    await eventually(lambda: _out(clients, "core", 0), "the metrics show that nothing is out")


async def declare(clients: Clients, name: str, scope: api.OutageScope) -> api.OutageReport:
    """A failure, from now until it is lifted."""
    outage = api.Outage(name=f"outages/{name}", kind=api.Outage.KIND_FAILURE, scopes=[scope])
    request = api.DeclareOutageRequest(outage=outage, request_id=str(uuid.uuid4()))
    report: api.OutageReport = await clients.call(clients.scheduler.DeclareOutage, request, "operator")
    return report


def affected(report: api.OutageReport) -> list[tuple[str, int]]:
    """Each reservation in the way, and what became of it."""
    return [(each.reservation, each.outcome) for each in report.affected]


async def _out(clients: Clients, pool: str, units: int) -> bool:
    return (await scrape(clients)).get(("alloc_pool_unavailable_units", pool, "failure")) == units


async def test_all_views_agree_in_the_end(clients: Clients) -> None:
    """P1, P6: after all of it the log is sound, and the ledger, the metrics and the calendars equal its fold."""
    log = await read_log(clients.centre)
    assert not [*faults(log, [], clients.centre.name), *await view_faults(clients, log)]
