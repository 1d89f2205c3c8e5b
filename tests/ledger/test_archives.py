"""Months that leave the tables for an archive, and come back: nothing is lost, and nothing is answered wrongly."""

import asyncio
import json
import shutil

import pytest

from services.audit.archive import verify_archive
from services.audit.faults import Fault
from services.audit.keys import PRIVATE
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.archives.exchange import restore
from services.ledger.archives.form import FILES, NOTE, ArchiveFault
from services.ledger.archives.writing import Refused
from services.ledger.rebuild import rebuild
from tests.ledger.busy import COMPANIES
from tests.ledger.folding import Ledger
from tests.ledger.months import HEIR, MARCH, Months, gathered, months
from tests.ledger.pages import CENTRE, HOUR, MONDAY, company, entry, extend
from tests.ledger.test_statements import COMPANY, OPERATOR, call, refusal
from tests.system.commands import aidc

__all__ = ["months"]

WRONG_MONTHS = {
    "March": "is not a month",
    "2026-13": "is not a month",
    "2025-12": "no page of the log is of 2025-12",
    "2026-05": "is not over",
}


async def partitions(ledger: Ledger) -> list[str]:
    """What the journal and the pages consist of."""
    found = await ledger.rows("SELECT relname::text FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1")
    return [name for (name,) in found]


@pytest.mark.parametrize(
    ("month", "positions", "agreeing"), [("2026-03", (1, MARCH), 1), ("2026-04", (MARCH + 1, MARCH + 13), 2)]
)
async def test_an_archive_is_verified_by_a_key_alone(
    months: Months, month: str, positions: tuple[int, int], agreeing: int
) -> None:
    """What was written is what was signed, the first month and a later one, and the tables keep all they had."""
    before = await months.ledger.digests()
    folder = await months.archive(month)
    found = verify_archive(folder, months.public, months.kept)
    assert (found.month, found.first_position, found.last_position) == (month, *positions)
    query = "SELECT sum(events)::bigint FROM pages WHERE position BETWEEN $1 AND $2"
    assert [(found.events,)] == await months.ledger.rows(query, *positions)
    assert found.agreeing == agreeing, "the checkpoints that were kept elsewhere"
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert await months.ledger.digests() == before


@pytest.mark.parametrize("month", ["2026-03", "2026-04"])
async def test_without_a_month_every_answer_is_as_before_or_refused(months: Months, month: str) -> None:
    """Whatever is asked once a month has left: the same answer as ever, or the words that it is in an archive."""
    before = await months.answers()
    await months.archive(month, and_detach=True)
    after = await months.answers()
    assert after.keys() == before.keys()
    refused = {question for question, answer in after.items() if answer == "ARCHIVED"}
    assert {question for question in after if after[question] != before[question]} == refused
    assert {"export of -", f"statement of CMP-0001 in {month}"} <= refused
    assert not refused & {"year", "balance of CMP-0001", f"statement of - in {month}"}
    there, gone = (MARCH + 2, 9) if month == "2026-03" else (9, MARCH + 2)
    assert {f"proof of an event at {gone}", f"balance known at {gone}"} <= refused
    assert f"proof of an event at {there}" not in refused
    handed = {f"history of companies/{company}/reservations/m9" for company in (COMPANIES[1], HEIR)}
    assert (handed <= refused, not handed & refused) == (month == "2026-04", month == "2026-03")


async def test_what_lives_is_told_whole(months: Months) -> None:
    """Of a booking that lived when its month left every event is still told; one that was over says where it lies."""
    living = (
        "SELECT company, reservation FROM reservations WHERE state IN ('confirmed', 'active') AND reservation ~ '^r'"
    )
    over = "SELECT company, reservation FROM reservations WHERE state = 'cancelled' AND reservation ~ '^r' LIMIT 1"
    before = await months.answers()
    await months.archive("2026-03", and_detach=True)
    names = [f"companies/{by}/reservations/{name}" for by, name in await months.ledger.rows(living)]
    assert names
    for name in names:
        told = await months.books.get_history(call(OPERATOR), wire.GetHistoryRequest(name=name))
        assert told == before[f"history of {name}"]
    ((by, name),) = await months.ledger.rows(over)
    request = wire.GetHistoryRequest(name=f"companies/{by}/reservations/{name}")
    problem = await refusal(months.books.get_history(call(OPERATOR), request))
    assert (problem.reason, problem.metadata) == ("ARCHIVED", {"months": "2026-03"})


async def test_only_those_who_keep_the_archive_hear_where_it_lies(months: Months) -> None:
    """Operators are told the folder and the command; a company hears the month, and nothing of an operator's disks."""
    folder = await months.archive("2026-03", and_detach=True)
    event = wire.GetProofRequest(event=wire.EventPlace(position=5, index=0))
    told = await refusal(months.proofs.get_proof(call(OPERATOR), event))
    assert f"aidc ledger restore {folder}" in told.message
    told = await refusal(months.proofs.get_proof(call(COMPANY), event))
    assert "2026-03 was archived" in told.message
    assert str(folder) not in told.message


async def test_the_ledger_starts_and_goes_on_without_a_month(months: Months) -> None:
    """A start reads what stayed, what comes is folded as ever, and reading the log again tells what was passed over."""
    ledger = months.ledger
    await months.archive("2026-03", and_detach=True)
    extend(ledger.log, (entry(company("CMP-0500"), at=MONDAY + 90 * 24 * HOUR),))
    await ledger.fold()
    await months.notary.record()
    *_, last = await gathered(months.proofs.verify_log(call(OPERATOR), wire.VerifyLogRequest()))
    assert (last.fault, last.done, list(last.archived_months)) == ("", True, ["2026-03"])
    assert last.checkpoints == 3


async def test_a_month_comes_back_as_it_left(months: Months) -> None:
    """After two months left and came back, every table and every answer is as it was, and the ledger writes on."""
    before, answers, tables = await months.ledger.digests(), await months.answers(), await partitions(months.ledger)
    march = await months.archive("2026-03", and_detach=True)
    april = await months.archive("2026-04", and_detach=True)
    for folder in (march, april):
        await restore(months.ledger.writer, months.ledger.readers, folder)
    assert await months.ledger.digests() == before
    assert await months.answers() == answers
    assert await partitions(months.ledger) == tables
    assert await months.ledger.rows("SELECT count(*) FROM archived") == [(0,)]
    extend(months.ledger.log, (entry(company("CMP-0500"), at=MONDAY + 90 * 24 * HOUR),))
    await months.ledger.fold()
    assert (await rebuild(months.ledger.log, CENTRE, months.ledger.dsn)).differing == ()


async def test_what_came_back_is_append_only_again(months: Months) -> None:
    """A month that came back is guarded like one that never left."""
    folder = await months.archive("2026-03", and_detach=True)
    await restore(months.ledger.writer, months.ledger.readers, folder)
    found = await months.ledger.rows(
        "SELECT count(*) FROM pg_trigger WHERE tgname = 'append_only' AND NOT tgisinternal"
    )
    assert found == [(6,)]


async def test_a_wrong_month_is_refused(months: Months) -> None:
    """What is no month, or not over, is refused in words, and nothing is written."""
    for month, words in WRONG_MONTHS.items():
        with pytest.raises(Refused, match=words):
            await months.archive(month)
    assert [path.name for path in months.folder.iterdir() if path.name[:2] == "20"] == []


async def test_a_month_whose_books_are_open_is_refused(ledger: Ledger, months: Months) -> None:
    """As long as a month may still be posted to, it stays."""
    async with ledger.tampering() as connection:
        await connection.execute("DELETE FROM closings WHERE period = 202604")
    with pytest.raises(Refused, match="the books of 2026-04 are not closed"):
        await months.archive("2026-04")


async def test_a_month_that_no_checkpoint_covers_is_refused(ledger: Ledger, months: Months) -> None:
    """Without a signature over the month there is no proof to write."""
    async with ledger.tampering() as connection:
        await connection.execute("ALTER TABLE notary.checkpoints DISABLE TRIGGER USER; DELETE FROM notary.checkpoints")
    with pytest.raises(Refused, match="no checkpoint that was signed covers 2026-04"):
        await months.archive("2026-04")


async def test_a_month_leaves_once(months: Months) -> None:
    """Archived again it is refused, with where it lies; and so is bringing back what never left."""
    folder = await months.archive("2026-03", and_detach=True)
    for again in ("2026-03", "elsewhere"):
        with pytest.raises(Refused, match=f"lies in {folder}"):
            await months.archive("2026-03", again)
    await restore(months.ledger.writer, months.ledger.readers, folder)
    with pytest.raises(ArchiveFault, match="2026-03 is in the tables"):
        await restore(months.ledger.writer, months.ledger.readers, folder)


async def test_a_folder_that_is_there_is_used_only_to_detach_its_own_month(months: Months) -> None:
    """Nothing is written over; what was archived before is read back, and another month's archive is no substitute."""
    folder = await months.archive("2026-03")
    with pytest.raises(Refused, match="is there already"):
        await months.archive("2026-03")
    with pytest.raises(Refused, match="holds 2026-03"):
        await months.archive("2026-04", "2026-03", and_detach=True)
    assert await months.ledger.rows("SELECT count(*) FROM archived") == [(0,)]
    await months.archive("2026-03", and_detach=True)
    assert await months.ledger.rows("SELECT month::text, folder FROM archived") == [("2026-03-01", str(folder))]


async def test_a_half_written_folder_is_no_archive(months: Months) -> None:
    """What lacks a file detaches nothing and is not verified, and what a killed attempt left is begun anew."""
    folder = await months.archive("2026-03")
    for left_out in FILES:
        half = shutil.copytree(folder, months.folder / f"without {left_out}")
        (half / left_out).unlink()
        with pytest.raises(ArchiveFault, match=f"no whole archive: {left_out} is missing"):
            await months.archive("2026-03", half.name, and_detach=True)
        with pytest.raises(Fault, match=f"no whole archive: {left_out} is missing"):
            verify_archive(half, months.public)
        killed = half.rename(months.folder / "2026-04.fresh")
        verify_archive(await months.archive("2026-04", "2026-04"), months.public)
        assert not killed.exists()
        shutil.rmtree(months.folder / "2026-04")


async def test_a_strangers_files_are_never_swept_away(months: Months) -> None:
    """A folder that happens to have the name of an unfinished one is left alone."""
    strange = months.folder / "2026-03.fresh"
    strange.mkdir()
    (strange / "thesis.txt").touch()
    with pytest.raises(Refused, match=r"holds thesis\.txt"):
        await months.archive("2026-03")
    assert (strange / "thesis.txt").exists()


async def test_another_archive_of_the_same_month_does_not_come_back(months: Months) -> None:
    """Only the very files that the month left to are let in."""
    twin = await months.archive("2026-03", "twin")
    note = twin / NOTE
    note.write_text(note.read_text().replace("time 20", "time 19"))
    await months.archive("2026-03", and_detach=True)
    with pytest.raises(ArchiveFault, match="is another archive than the one that 2026-03 left to"):
        await restore(months.ledger.writer, months.ledger.readers, twin)


async def test_a_rebuild_brings_archived_months_back_from_the_log(months: Months) -> None:
    """The log has every page, so new tables are whole again; the rebuild compares the rest, and names them."""
    before = await months.ledger.digests()
    await months.archive("2026-03", and_detach=True)
    rebuilt = await rebuild(months.ledger.log, CENTRE, months.ledger.dsn)
    assert (rebuilt.returned, rebuilt.differing) == (("2026-03",), ())
    assert {"pages", "journal"} <= set(rebuilt.compared)
    assert await months.ledger.digests() == before
    assert await months.ledger.rows("SELECT count(*) FROM archived") == [(0,)]


async def test_a_month_leaves_and_comes_back_while_the_ledger_follows(months: Months) -> None:
    """Pages pour in and readers read meanwhile; no answer is a mixture, and the tables end as the fold of the log."""
    ledger = months.ledger
    end = len(ledger.log.pages)
    more = [(entry(company(f"CMP-{number:04}"), at=MONDAY + 90 * 24 * HOUR),) for number in range(1000, 1120)]
    living = asyncio.create_task((await ledger.open()).follow(until=end + len(more)))
    stop = asyncio.Event()

    async def pour() -> None:
        for page in more:
            position = extend(ledger.log, page)
            assert await ledger.progress.wait_for(position, 30)

    async def read() -> int:
        request, seen = wire.GetStatementRequest(name="companies/-", month="2026-03"), 0
        first = await months.books.get_statement(call(OPERATOR), request)
        while not stop.is_set():
            answer = await months.books.get_statement(call(OPERATOR), request)
            assert list(answer.closing) == list(first.closing)
            seen += 1
        return seen

    pouring, reading = asyncio.create_task(pour()), asyncio.create_task(read())
    folder = await months.archive("2026-03", and_detach=True)
    await restore(ledger.writer, ledger.readers, folder)
    await pouring
    stop.set()
    assert await reading > 0
    await living
    assert (await rebuild(ledger.log, CENTRE, ledger.dsn)).differing == ()


async def test_the_commands_archive_verify_and_bring_back(months: Months) -> None:
    """As an operator does it: each command says what it did, and a refusal is one line that says why."""
    settings = {
        "AIDC_POSTGRES_DSN": months.ledger.dsn,
        "AIDC_CENTRE": CENTRE,
        "AIDC_CHECKPOINT_KEY": str(months.folder / "keys" / PRIVATE),
    }
    folder = str(months.folder / "march")
    refused = await aidc("ledger", "archive", "2026-05", folder, settings=settings)
    assert (refused.status, refused.out) == (1, "")
    assert "nothing was archived: 2026-05 is not over" in refused.err
    archived = await aidc("ledger", "archive", "2026-03", folder, "--detach", settings=settings)
    assert archived.status == 0, archived.err
    assert f"aidc ledger restore {folder}" in archived.out
    verified = await aidc("audit", "verify", folder, "--key", str(months.public_file))
    assert (verified.status, verified.err) == (0, "")
    assert "events of aidc/test-centre in 2026-03" in verified.out
    brought = await aidc("ledger", "restore", folder, "--json", settings=settings)
    assert json.loads(brought.out)["pages"] == MARCH
    again = await aidc("ledger", "restore", folder, settings=settings)
    assert (again.status, "nothing was brought back: 2026-03 is in the tables" in again.err) == (1, True)
