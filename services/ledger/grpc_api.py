"""The ledger's door: requests to reads, and what the reads found, or did not, to answers.

A company sees its own books. Another's name answers exactly as one that does not exist (P8).
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import asyncpg
import grpc

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger import history, statements
from services.ledger.answering import (
    WHOLE_CENTRE,
    company_in,
    demand_own,
    demand_whole_centre,
    failures,
    reservation_in,
    timestamp,
    wait_for,
)
from services.ledger.progress import Progress
from services.ledger.proof_api import ProofApi
from services.runtime.doors import Call, Doors, StreamHandler, UnaryHandler
from services.runtime.identity import Role
from services.runtime.problems import invalid

PERIOD_DAYS_MAX = 400

SERVICE = wire.DESCRIPTOR.services_by_name["Ledger"]
ROLES = {method.name: frozenset(Role) for method in SERVICE.methods} | {
    # It reads everything there is.
    "VerifyLog": frozenset({Role.OPERATOR, Role.AUDITOR}),
}

_Read = TypeVar("_Read")


class _Request(Protocol):
    """What every request has."""

    @property
    def name(self) -> str: ...

    @property
    def min_position(self) -> int: ...


def methods(doors: Doors, ledger: "LedgerApi", proofs: ProofApi) -> grpc.GenericRpcHandler:
    """The service, behind its doors."""
    handlers: dict[str, UnaryHandler | StreamHandler] = {
        "GetBalance": ledger.get_balance,
        "GetStatement": ledger.get_statement,
        "GetHistory": ledger.get_history,
        "GetCheckpoint": proofs.get_checkpoint,
        "GetProof": proofs.get_proof,
        "ExportEvents": proofs.export_events,
        "VerifyLog": proofs.verify_log,
    }
    return doors.serve_methods(SERVICE, handlers, ROLES)


class LedgerApi:
    """Answers what `aidc.ledger.v1.Ledger` is asked about the books."""

    def __init__(self, readers: asyncpg.Pool, progress: Progress) -> None:
        self._readers = readers
        self._progress = progress

    async def get_balance(self, call: Call, request: wire.GetBalanceRequest) -> wire.Balance:
        """What stands on a company's accounts, or on those of the whole centre."""
        company, view = company_in(request.name), _view(request)
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
            read = partial(statements.centre_balance, self._readers, view)
        else:
            demand_own(call.identity, company, request.name)
            read = partial(statements.company_balance, self._readers, company, view)
        await wait_for(self._progress, call, request.known_at, "known_at")
        checkpoint, amounts = await self._answer(call, request, read)
        return wire.Balance(
            name=request.name,
            accounts=_accounts(amounts),
            position=checkpoint.position,
            events=checkpoint.number,
        )

    async def get_statement(self, call: Call, request: wire.GetStatementRequest) -> wire.Statement:
        """A company's transfers of a period."""
        company = company_in(request.name)
        if company == WHOLE_CENTRE:
            raise invalid({"name": "names the whole centre; a statement is one company's"})
        (start, end), view = _period(request), _view(request)
        demand_own(call.identity, company, request.name)
        read = partial(statements.statement, self._readers, company, start, end, view)
        await wait_for(self._progress, call, request.known_at, "known_at")
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
        company, reservation = reservation_in(request.name)
        demand_own(call.identity, company, request.name)
        read = partial(history.history, self._readers, company, reservation, _view(request))
        await wait_for(self._progress, call, request.known_at, "known_at")
        checkpoint, entries = await self._answer(call, request, read)
        return wire.History(
            name=request.name,
            entries=[_entry(entry) for entry in entries],
            position=checkpoint.position,
        )

    async def _answer(self, call: Call, request: _Request, read: Callable[[], Awaitable[_Read]]) -> _Read:
        """Wait for the position that the caller asks for, then read; every failure in words for the caller."""
        await wait_for(self._progress, call, request.min_position)
        with failures(request.name):
            return await read()


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


def _view(request: wire.GetBalanceRequest | wire.GetStatementRequest | wire.GetHistoryRequest) -> statements.View:
    """From when the answer is to be."""
    as_of = request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None
    return statements.View(as_of=as_of, known_at=request.known_at or None)


def _accounts(amounts: Iterable[statements.Amount]) -> list[wire.AccountBalance]:
    return [
        wire.AccountBalance(resource=amount.resource, account=amount.account, unit_seconds=amount.unit_seconds)
        for amount in amounts
    ]


def _line(company: str, line: statements.Line) -> wire.StatementLine:
    return wire.StatementLine(
        time=timestamp(line.time),
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
        time=timestamp(entry.time),
        position=entry.position,
        index=entry.index,
        event=entry.event,
        actor=entry.actor,
        request_id=entry.request_id,
        description=entry.description,
    )
