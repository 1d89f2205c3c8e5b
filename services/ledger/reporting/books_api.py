"""What the ledger is asked about the books: balances, statements, what changed, transfers, histories.

A company sees its own books. Another's name answers exactly as one that does not exist (P8).
"""

import base64
import binascii
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import asyncpg

from services.allocation.prices.periods import number_of
from services.allocation.values.months import MONTH
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.answering import (
    WHOLE_CENTRE,
    company_in,
    demand_own,
    demand_whole_centre,
    failures,
    reservation_in,
    wait_for,
)
from services.ledger.progress import Progress
from services.ledger.reporting import balances, history, parquet, replies, statements, transfers
from services.ledger.reporting.balances import EVERY_MONTH
from services.ledger.reporting.views import View
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.runtime.problems import invalid

PERIOD_DAYS_MAX = 400
EXPORTED = {
    wire.BOOKS_TABLE_TRANSFERS: "transfers",
    wire.BOOKS_TABLE_RESERVATIONS: "reservations",
    wire.BOOKS_TABLE_EVENTS: "events",
}

_Read = TypeVar("_Read")


class _Request(Protocol):
    """What every request has."""

    @property
    def name(self) -> str: ...

    @property
    def min_position(self) -> int: ...


_Viewed = (
    wire.GetBalanceRequest
    | wire.GetStatementRequest
    | wire.GetChangesRequest
    | wire.ListTransfersRequest
    | wire.GetHistoryRequest
)


class BooksApi:
    """Answers what `aidc.ledger.v1.Ledger` is asked about the books."""

    def __init__(self, readers: asyncpg.Pool, progress: Progress) -> None:
        self._readers = readers
        self._progress = progress

    async def get_balance(self, call: Call, request: wire.GetBalanceRequest) -> wire.Balance:
        """What stands on a company's accounts, or on those of the whole centre."""
        company, period, view = company_in(request.name), _month(request.month), _view(request)
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
            read = partial(balances.centre_balance, self._readers, view, period)
        else:
            demand_own(call.identity, company, request.name)
            read = partial(balances.company_balance, self._readers, company, view, period)
        await wait_for(self._progress, call, request.known_at, "known_at")
        return replies.balance_reply(request.name, *await self._answer(call, request, read))

    async def get_statement(self, call: Call, request: wire.GetStatementRequest) -> wire.Statement:
        """A company's transfers of a month or an interval, or a month of the whole centre."""
        company, view = company_in(request.name), _view(request)
        if company == WHOLE_CENTRE:
            if not request.month:
                raise invalid({"month": "is required for the whole centre"})
            demand_whole_centre(call.identity)
            read = partial(statements.centre_statement, self._readers, _month(request.month), view)
        elif request.month:
            period = _month(request.month)
            demand_own(call.identity, company, request.name)
            read = partial(statements.month_statement, self._readers, company, period, view)
        else:
            start, end = _interval(request)
            demand_own(call.identity, company, request.name)
            read = partial(statements.interval_statement, self._readers, company, start, end, view)
        await wait_for(self._progress, call, request.known_at, "known_at")
        return replies.statement_reply(request, await self._answer(call, request, read))

    async def get_changes(self, call: Call, request: wire.GetChangesRequest) -> wire.Changes:
        """What changed in a company's books between two views."""
        company, period = company_in(request.name), _month(request.month)
        if company == WHOLE_CENTRE:
            raise invalid({"name": "names the whole centre; changes are one company's"})
        base, view = _views(request)
        demand_own(call.identity, company, request.name)
        for position, field in ((request.base_known_at, "base_known_at"), (request.known_at, "known_at")):
            await wait_for(self._progress, call, position, field)
        read = partial(statements.changes, self._readers, company, period, base, view)
        return replies.changes_reply(request, await self._answer(call, request, read))

    async def list_transfers(self, call: Call, request: wire.ListTransfersRequest) -> wire.ListTransfersResponse:
        """Transfers of a company or of the centre, by the page."""
        company, view, chosen = company_in(request.name), _view(request), _filter(request)
        if request.page_size < 0:
            raise invalid({"page_size": "is negative"})
        size = min(request.page_size or transfers.PAGE_SIZE_DEFAULT, transfers.PAGE_SIZE_MAX)
        place = _place(request.page_token)
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
        else:
            demand_own(call.identity, company, request.name)
        await wait_for(self._progress, call, request.known_at, "known_at")
        whose = "" if company == WHOLE_CENTRE else company
        # One more than asked for tells whether it goes on.
        read = partial(transfers.page_of, self._readers, whose, view, chosen, place, size + 1)
        checkpoint, found = await self._answer(call, request, read)
        token = _token(found[size - 1].number, found[size - 1].line) if len(found) > size else ""
        return wire.ListTransfersResponse(
            transfers=map(replies.line_reply, found[:size]), next_page_token=token, position=checkpoint.position
        )

    async def export_table(
        self, call: Call, request: wire.ExportTableRequest
    ) -> AsyncGenerator[wire.ExportTableResponse, None]:
        """A table as a Parquet file, as it is written."""
        company, table = company_in(request.name), EXPORTED.get(request.table)
        if table is None:
            raise invalid({"table": "must be said"})
        if table == "reservations" and request.known_at:
            raise invalid({"known_at": "is not for reservations: they are told as they stand"})
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
        else:
            demand_own(call.identity, company, request.name)
        await wait_for(self._progress, call, request.known_at, "known_at")
        await wait_for(self._progress, call, request.min_position)
        whose, view = "" if company == WHOLE_CENTRE else company, View(known_at=request.known_at or None)
        with failures(request.name):
            async for position, piece in parquet.write_table(self._readers, whose, table, view):
                yield wire.ExportTableResponse(data=piece.data, rows=piece.rows, position=position)

    async def get_history(self, call: Call, request: wire.GetHistoryRequest) -> wire.History:
        """The life of a reservation."""
        company, reservation = reservation_in(request.name)
        demand_own(call.identity, company, request.name)
        read = partial(
            history.history,
            self._readers,
            company,
            reservation,
            _view(request),
            voters_named=call.identity.role is not Role.COMPANY,
        )
        await wait_for(self._progress, call, request.known_at, "known_at")
        return replies.history_reply(request.name, *await self._answer(call, request, read))

    async def _answer(self, call: Call, request: _Request, read: Callable[[], Awaitable[_Read]]) -> _Read:
        """Wait for the position that the caller asks for, then read; every failure in words for the caller."""
        await wait_for(self._progress, call, request.min_position)
        with failures(request.name):
            return await read()


def _interval(request: wire.GetStatementRequest) -> tuple[datetime, datetime]:
    """Start and end of the interval asked for, every fault of both at once."""
    faults = {field: "is required" for field in ("start_time", "end_time") if not request.HasField(field)}
    if faults:
        raise invalid(faults)
    start, end = (time.ToDatetime(tzinfo=UTC) for time in (request.start_time, request.end_time))
    if end <= start:
        raise invalid({"end_time": "is not after start_time"})
    if end - start > timedelta(days=PERIOD_DAYS_MAX):
        raise invalid({"end_time": f"is more than {PERIOD_DAYS_MAX} days after start_time"})
    return start, end


def _month(text: str) -> int:
    """The number of a month, or that of every month where none is named."""
    if text and not MONTH.fullmatch(text):
        raise invalid({"month": "is not of the form 2026-03"})
    return number_of(text) if text else EVERY_MONTH


def _view(request: _Viewed) -> View:
    """From when the answer is to be."""
    as_of = request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None
    return View(as_of=as_of, known_at=request.known_at or None)


def _views(request: wire.GetChangesRequest) -> tuple[View, View]:
    """The earlier view and the later one."""
    base_as_of = request.base_as_of.ToDatetime(tzinfo=UTC) if request.HasField("base_as_of") else None
    base, view = View(as_of=base_as_of, known_at=request.base_known_at or None), _view(request)
    if base == View():
        raise invalid({"base_known_at": "or base_as_of is required: what was known, or true, before"})
    if view.known_at and base.known_at and view.known_at < base.known_at:
        raise invalid({"known_at": "lies before base_known_at"})
    if view.as_of and base.as_of and view.as_of < base.as_of:
        raise invalid({"as_of": "lies before base_as_of"})
    if (view.as_of and not base.as_of) or (view.known_at and not base.known_at):
        raise invalid({"base_known_at": "and base_as_of must say as much as known_at and as_of do"})
    return base, view


def _filter(request: wire.ListTransfersRequest) -> transfers.Filter:
    reservation = reservation_in(request.reservation, "reservation")[1] if request.reservation else ""
    return transfers.Filter(period=_month(request.month), resource=request.resource, reservation=reservation)


def _token(number: int, line: int) -> str:
    return base64.urlsafe_b64encode(f"{number}.{line}".encode()).decode()


def _place(token: str) -> tuple[int, int]:
    """After which transfer a page begins."""
    if not token:
        return 0, 0
    try:
        number, line = (int(part) for part in base64.urlsafe_b64decode(token.encode()).decode().split("."))
    except (ValueError, binascii.Error):
        raise invalid({"page_token": "is not one that this service gave out"}) from None
    if _token(number, line) != token or not 0 <= number < 2**63 or not 0 <= line < 2**31:
        raise invalid({"page_token": "is not one that this service gave out"})
    return number, line
