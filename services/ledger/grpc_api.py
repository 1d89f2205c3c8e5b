"""The ledger's door: requests to reads, and what the reads found, or did not, to answers.

A company sees its own books. Another's name answers exactly as one that does not exist (P8).
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import asyncpg
import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger import history, refusals, statements
from services.ledger.database import GONE, OUTAGES
from services.ledger.progress import Progress
from services.runtime.doors import Call, Doors, UnaryHandler
from services.runtime.identity import Identity, Role
from services.runtime.problems import invalid

PERIOD_DAYS_MAX = 400
ANSWER_SECONDS = 0.2
"""Kept of the caller's time for the answer itself, when it first waits for a position."""
WHOLE_CENTRE = "-"

SERVICE = wire.DESCRIPTOR.services_by_name["Ledger"]
ROLES = {method.name: frozenset(Role) for method in SERVICE.methods}

READ_FAILURES: tuple[type[Exception], ...] = (*OUTAGES, *GONE)

_Read = TypeVar("_Read")


class _Request(Protocol):
    """What every request has."""

    @property
    def name(self) -> str: ...

    @property
    def min_position(self) -> int: ...


class LedgerApi:
    """Answers the methods of `aidc.ledger.v1.Ledger`."""

    def __init__(self, readers: asyncpg.Pool, progress: Progress) -> None:
        self._readers = readers
        self._progress = progress

    def methods(self, doors: Doors) -> grpc.GenericRpcHandler:
        """The service, behind its doors."""
        handlers: dict[str, UnaryHandler] = {
            "GetBalance": self.get_balance,
            "GetStatement": self.get_statement,
            "GetHistory": self.get_history,
        }
        return doors.serve_methods(SERVICE, handlers, ROLES)

    async def get_balance(self, call: Call, request: wire.GetBalanceRequest) -> wire.Balance:
        """What stands on a company's accounts, or on those of the whole centre."""
        company = _company(request.name)
        if company == WHOLE_CENTRE:
            _demand_whole_centre(call.identity)
            read = partial(statements.centre_balance, self._readers)
        else:
            _demand_own(call.identity, company, request.name)
            read = partial(statements.company_balance, self._readers, company)
        checkpoint, amounts = await self._answer(call, request, read)
        return wire.Balance(
            name=request.name,
            accounts=_accounts(amounts),
            position=checkpoint.position,
            events=checkpoint.number,
        )

    async def get_statement(self, call: Call, request: wire.GetStatementRequest) -> wire.Statement:
        """A company's transfers of a period."""
        company = _company(request.name)
        if company == WHOLE_CENTRE:
            raise invalid({"name": "names the whole centre; a statement is one company's"})
        start, end = _period(request)
        _demand_own(call.identity, company, request.name)
        read = partial(statements.statement, self._readers, company, start, end)
        found = await self._answer(call, request, read)
        return wire.Statement(
            name=request.name,
            start_time=request.start_time,
            end_time=request.end_time,
            opening=_accounts(found.opening),
            lines=[_line(company, line) for line in found.lines],
            closing=_accounts(found.closing),
            position=found.checkpoint.position,
        )

    async def get_history(self, call: Call, request: wire.GetHistoryRequest) -> wire.History:
        """The life of a reservation."""
        company, reservation = _reservation(request.name)
        _demand_own(call.identity, company, request.name)
        read = partial(history.history, self._readers, company, reservation)
        checkpoint, entries = await self._answer(call, request, read)
        return wire.History(
            name=request.name,
            entries=[_entry(entry) for entry in entries],
            position=checkpoint.position,
        )

    async def _answer(self, call: Call, request: _Request, read: Callable[[], Awaitable[_Read]]) -> _Read:
        """Wait for the position that the caller asks for, then read; every failure in words for the caller."""
        await self._wait(call, request.min_position)
        try:
            return await read()
        except statements.NotFound:
            raise refusals.no_such(request.name) from None
        except statements.TooLong as refusal:
            raise refusals.too_long(refusal.fits_until) from None
        except READ_FAILURES as error:
            raise refusals.away() from error

    async def _wait(self, call: Call, position: int) -> None:
        if position < 0:
            raise invalid({"min_position": "is negative"})
        if self._progress.halted:
            raise refusals.halted(self._progress.position)
        seconds = call.deadline - time.monotonic() - ANSWER_SECONDS
        if not await self._progress.wait_for(position, seconds):
            raise refusals.not_yet(position, self._progress.position)


def _company(name: str) -> str:
    """The id in `companies/{company}`."""
    match name.split("/"):
        case ["companies", company] if company:
            return company
        case _:
            raise invalid({"name": "is not of the form companies/{company}"})


def _reservation(name: str) -> tuple[str, str]:
    """The ids in `companies/{company}/reservations/{reservation}`."""
    match name.split("/"):
        case ["companies", company, "reservations", reservation] if company and reservation:
            return company, reservation
        case _:
            raise invalid({"name": "is not of the form companies/{company}/reservations/{reservation}"})


def _period(request: wire.GetStatementRequest) -> tuple[datetime, datetime]:
    """Start and end of the period asked for, every fault of both at once."""
    faults = {field: "is required" for field in ("start_time", "end_time") if not request.HasField(field)}
    if faults:
        raise invalid(faults)
    start, end = (time.ToDatetime(tzinfo=UTC) for time in (request.start_time, request.end_time))
    if end <= start:
        raise invalid({"end_time": "is not after start_time"})
    if end - start > timedelta(days=PERIOD_DAYS_MAX):
        raise invalid({"end_time": f"is more than {PERIOD_DAYS_MAX} days after start_time"})
    return start, end


def _demand_whole_centre(identity: Identity) -> None:
    if identity.role is Role.COMPANY:
        raise refusals.not_the_whole_centre()


def _demand_own(identity: Identity, company: str, name: str) -> None:
    if identity.role is Role.COMPANY and identity.company != company:
        raise refusals.no_such(name)


def _accounts(amounts: Iterable[statements.Amount]) -> list[wire.AccountBalance]:
    return [
        wire.AccountBalance(resource=amount.resource, account=amount.account, unit_seconds=amount.unit_seconds)
        for amount in amounts
    ]


def _line(company: str, line: statements.Line) -> wire.StatementLine:
    return wire.StatementLine(
        time=_timestamp(line.time),
        position=line.position,
        event=line.event,
        reservation=f"companies/{company}/reservations/{line.reservation}" if line.reservation else "",
        resource=line.resource,
        from_account=line.from_account,
        to_account=line.to_account,
        unit_seconds=line.unit_seconds,
    )


def _entry(entry: history.Entry) -> wire.HistoryEntry:
    return wire.HistoryEntry(
        time=_timestamp(entry.time),
        position=entry.position,
        index=entry.index,
        event=entry.event,
        actor=entry.actor,
        request_id=entry.request_id,
        description=entry.description,
    )


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
