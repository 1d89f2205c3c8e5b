"""Tables to take home: the files say what the books say, are of one position, and cost a bounded memory."""

from io import BytesIO

import grpc
import pyarrow.parquet as pq
import pytest

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.reporting import parquet
from services.ledger.reporting.books_api import BooksApi
from services.runtime.identity import Identity
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import chained
from tests.ledger.test_statements import AUDITOR, COMPANY, OTHER, call, refusal

TABLES = {
    "transfers": wire.BOOKS_TABLE_TRANSFERS,
    "reservations": wire.BOOKS_TABLE_RESERVATIONS,
    "events": wire.BOOKS_TABLE_EVENTS,
}


@pytest.fixture
async def api(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> BooksApi:
    """The doors of a ledger with a busy history; a page of an export is small."""
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 37)
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    return BooksApi(ledger.readers, ledger.progress)


async def exported(
    api: BooksApi, table: str, name: str = "companies/-", who: Identity = AUDITOR, known_at: int = 0
) -> tuple[pq.ParquetFile, list[wire.ExportTableResponse]]:
    """The file, and the pieces that it came in."""
    request = wire.ExportTableRequest(name=name, table=TABLES[table], known_at=known_at)
    pieces = [piece async for piece in api.export_table(call(who), request)]
    return pq.ParquetFile(BytesIO(b"".join(piece.data for piece in pieces))), pieces


@pytest.mark.parametrize("table", TABLES)
async def test_a_file_has_every_row_once(ledger: Ledger, api: BooksApi, table: str) -> None:
    """As many rows as the table, in its order, in groups of bounded size, of the position that the file names."""
    file, pieces = await exported(api, table)
    ((rows,),) = await ledger.rows(f"SELECT count(*) FROM {'journal' if table == 'events' else table}")
    assert file.metadata.num_rows == rows == pieces[-1].rows
    groups = [file.metadata.row_group(place).num_rows for place in range(file.metadata.num_row_groups)]
    assert max(groups) <= 37 < rows
    assert {piece.position for piece in pieces} == {60}
    assert file.schema_arrow.metadata[b"aidc.position"] == b"60"


async def test_exported_transfers_are_the_books(ledger: Ledger, api: BooksApi) -> None:
    """Added up, they give every balance to the unit-second and the won; each names its event and phase."""
    table = (await exported(api, "transfers"))[0].read().to_pylist()
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in table:
        assert row["position"]
        assert row["phase"] in ("single", "pending", "posted", "voided", "carried")
        for account, sign in ((row["from_account"], -1), (row["to_account"], 1)):
            key = (row["company"], row["resource"], account)
            seconds, krw = sums.get(key, (0, 0))
            sums[key] = (seconds + sign * row["unit_seconds"], krw + sign * row["krw"])
    balances = await ledger.rows(
        "SELECT company, resource, account, sum(unit_seconds)::bigint, sum(krw)::bigint FROM balances GROUP BY 1, 2, 3"
    )
    assert sums == {
        (company, resource, account): (seconds, krw) for company, resource, account, seconds, krw in balances
    }


@pytest.mark.parametrize("table", TABLES)
async def test_a_company_takes_its_own_home(api: BooksApi, table: str) -> None:
    """P8: only its rows, and not who moved them; another's are not there, and the centre's are not for it."""
    own = f"companies/{COMPANIES[0]}"
    rows = (await exported(api, table, own, COMPANY))[0].read().to_pylist()
    assert {row["company"] for row in rows} == {COMPANIES[0]}
    if table == "events":
        assert {row["actor"] for row in rows if row["type"] == "allocations_moved"} <= {"system"}
    for who, name, code in (
        (OTHER, own, grpc.StatusCode.NOT_FOUND),
        (COMPANY, "companies/-", grpc.StatusCode.PERMISSION_DENIED),
        (AUDITOR, "companies/NOBODY", grpc.StatusCode.NOT_FOUND),
    ):
        assert (await refusal(exported(api, table, name, who))).code is code


async def test_a_file_can_be_had_as_known_before(ledger: Ledger, api: BooksApi) -> None:
    """Up to a position there are the entries of that position, whatever came later."""
    rows = (await exported(api, "transfers", known_at=20))[0].read().to_pylist()
    ((number,),) = await ledger.rows("SELECT number FROM pages WHERE position = 20")
    ((count,),) = await ledger.rows("SELECT count(*) FROM transfers WHERE number <= $1", number)
    assert len(rows) == count > 0
    assert max(row["position"] for row in rows) <= 20


async def test_an_empty_table_is_a_file_too(ledger: Ledger) -> None:
    """A centre where nothing happened yet gives files with columns and no rows."""
    await ledger.open()
    api = BooksApi(ledger.readers, ledger.progress)
    for table in TABLES:
        file, _ = await exported(api, table)
        assert file.metadata.num_rows == 0
        assert len(file.schema_arrow) > 5


async def test_what_is_no_table_is_explained(api: BooksApi) -> None:
    """The table must be said, and reservations are told as they stand."""
    for request in (
        wire.ExportTableRequest(name="companies/-"),
        wire.ExportTableRequest(name="companies/-", table=TABLES["reservations"], known_at=3),
    ):
        problem = await refusal(anext(api.export_table(call(AUDITOR), request)))
        assert problem.code is grpc.StatusCode.INVALID_ARGUMENT
