"""A centre over three months, with a notary, and a way to ask it everything that may be asked."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.audit.keys import PUBLIC, make_keys, read_public_keys
from services.audit.notes import read_folder
from services.eventlog.page import Entry
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.archives import app
from services.ledger.proving.notary import Notary
from services.ledger.proving.notes import Signer
from services.ledger.proving.proof_api import ProofApi
from services.ledger.proving.proofs import Prover
from services.ledger.reporting.books_api import BooksApi
from services.ledger.reporting.year_api import YearApi
from services.runtime.problems import Problem
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import (
    CENTRE,
    MONDAY,
    activated,
    cancelled,
    chained,
    closed,
    completed,
    confirmed,
    entry,
    held,
    hours,
    pool,
)
from tests.ledger.test_handing_over import handed_over, offered
from tests.ledger.test_statements import OPERATOR, call

DAY = 86_400
HEIR = COMPANIES[4]
"""To whom a booking is handed over in April."""
ORIGIN = f"aidc/{CENTRE}"
NOON = 1_772_452_800
MARCH = 40
APRIL, MAY = 31, 61
"""Days after Monday, 2 March."""


def three_months() -> list[bytes]:
    """March is busy; in April some of March's bookings end, and March is closed already; in May April is closed."""
    march = list(busy_centre(MARCH))
    april = [
        (entry(pool("m100", 4), at=MONDAY + APRIL * DAY, actor="operators/lee"),),
        *(_booking(number, APRIL + number, number % 3) for number in range(1, 12)),
        _handed_over(9, APRIL + 9),
    ]
    may = [
        (entry(closed("2026-04"), cancelled("m9"), at=MONDAY + MAY * DAY, actor="operators/lee"),),
        *(_booking(number, MAY + number - 20, number % 2) for number in range(21, 26)),
    ]
    return chained([*march, *april, *may])


def _booking(number: int, day: int, fate: int) -> tuple[Entry, ...]:
    """A page on some day: one books and, by chance of its number, cancels, uses or keeps what it has."""
    name, by, at = f"m{number}", COMPANIES[number % len(COMPANIES)], MONDAY + day * DAY
    span = hours(day * 24 + 2, day * 24 + 6)
    entries = [entry(confirmed(name, held([number], span, resource="m100"), by=by), at=at, actor=by, request_id=name)]
    if fate == 1:
        entries.append(entry(cancelled(name), at=at + 60, actor=by))
    if fate == 2:
        entries.append(entry(activated(name), completed(name), at=at + 60, actor="system"))
    return tuple(entries)


def _handed_over(number: int, day: int) -> tuple[Entry, ...]:
    """What was booked on that day is another company's, the same units for the same time."""
    name, at, span = f"m{number}", MONDAY + day * DAY + 120, hours(day * 24 + 2, day * 24 + 6)
    accepted, transferred = handed_over(name, held([number], span, resource="m100"), to=HEIR)
    transferred = replace(transferred, former=COMPANIES[number % len(COMPANIES)])
    return entry(offered(name, HEIR), at=at), entry(accepted, transferred, at=at, actor=HEIR)


class Months:
    """A ledger of three months, signed in the middle of April and at the end."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger = ledger
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.signer = Signer.read(make_keys(folder / "keys", ORIGIN), ORIGIN)
        self.public_file = folder / "keys" / PUBLIC
        self.public = read_public_keys(self.public_file)
        self.notary = Notary(self.signer, self.checkpoints, ledger.writer, ledger.readers, lambda: NOON)
        self.books = BooksApi(ledger.readers, ledger.progress)
        self.years = YearApi(ledger.readers, ledger.progress)
        self.proofs = ProofApi(ledger.readers, ledger.progress, Prover(ledger.readers, self.notary))

    async def fold(self) -> None:
        """Take the three months in, and sign twice."""
        pages = three_months()
        for end in (MARCH + 3, len(pages)):
            self.ledger.log.pages += pages[len(self.ledger.log.pages) : end]
            await self.ledger.fold()
            await self.notary.record()

    async def archive(self, month: str, name: str = "", *, and_detach: bool = False) -> Path:
        """Archive a month into a folder of that name."""
        folder = self.folder / (name or month)
        ledger = self.ledger
        await app.archive(ledger.writer, ledger.readers, self.signer, month, folder, and_detach=and_detach)
        return folder

    @property
    def kept(self) -> list[Any]:
        """The checkpoints that the notary put elsewhere."""
        return read_folder(self.checkpoints, self.public)

    async def answers(self) -> dict[str, object]:
        """What is answered to every question, or the reason of the refusal."""
        return {question: answer async for question, answer in self._ask()}

    async def _ask(self) -> AsyncIterator[tuple[str, object]]:
        owners = "SELECT DISTINCT company, reservation FROM transfers WHERE reservation <> ''"
        for company, reservation in await self.ledger.rows(owners):
            name = f"companies/{company}/reservations/{reservation}"
            yield (
                f"history of {name}",
                await said(self.books.get_history(call(OPERATOR), wire.GetHistoryRequest(name=name))),
            )
            proof = wire.GetProofRequest(reservation=name)
            yield f"proof of {name}", await said(self.proofs.get_proof(call(OPERATOR), proof))
        for company in (*COMPANIES, "-"):
            for month in ("2026-03", "2026-04", "2026-05"):
                statement = wire.GetStatementRequest(name=f"companies/{company}", month=month)
                yield (
                    f"statement of {company} in {month}",
                    await said(self.books.get_statement(call(OPERATOR), statement)),
                )
            transfers = wire.ListTransfersRequest(name=f"companies/{company}", page_size=1000)
            yield f"transfers of {company}", await said(self.books.list_transfers(call(OPERATOR), transfers))
            balance = wire.GetBalanceRequest(name=f"companies/{company}")
            yield f"balance of {company}", await said(self.books.get_balance(call(OPERATOR), balance))
            export = self.proofs.export_events(call(OPERATOR), wire.ExportEventsRequest(name=f"companies/{company}"))
            yield f"export of {company}", await said(gathered(export))
        end = len(self.ledger.log.pages)
        for position in range(1, end + 1):
            known = wire.GetBalanceRequest(name="companies/-", known_at=position)
            yield f"balance known at {position}", await said(self.books.get_balance(call(OPERATOR), known))
            event = wire.GetProofRequest(event=wire.EventPlace(position=position, index=0))
            yield f"proof of an event at {position}", await said(self.proofs.get_proof(call(OPERATOR), event))
        ((events,),) = await self.ledger.rows("SELECT number FROM checkpoint")
        for first in range(1, int(str(events)) + 1):
            sizes = wire.TreeSizes(first=first, second=int(str(events)))
            yield (
                f"growth from {first}",
                await said(self.proofs.get_proof(call(OPERATOR), wire.GetProofRequest(sizes=sizes))),
            )
        for table in (wire.BOOKS_TABLE_TRANSFERS, wire.BOOKS_TABLE_RESERVATIONS, wire.BOOKS_TABLE_EVENTS):
            taken = wire.ExportTableRequest(name="companies/-", table=table)
            yield f"table {table}", await said(gathered(self.books.export_table(call(OPERATOR), taken)))
        uses = wire.ListEquipmentUseRequest(name="companies/-", year=2026)
        yield "uses", await said(self.years.list_equipment_use(call(OPERATOR), uses))
        yield "year", await said(self.years.get_year_report(call(OPERATOR), wire.GetYearReportRequest(year=2026)))


async def said(answer: Awaitable[Any]) -> object:
    """An answer, or the reason why there is none."""
    try:
        return await answer
    except Problem as problem:
        return problem.reason


async def gathered(stream: AsyncIterator[Any]) -> list[Any]:
    """Everything of a stream."""
    return [piece async for piece in stream]


@pytest.fixture
async def months(ledger: Ledger, tmp_path: Path) -> Months:
    """Three months, folded."""
    made = Months(ledger, tmp_path)
    await made.fold()
    return made
