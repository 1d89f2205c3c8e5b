"""A trace of bookings, replayed on a whole centre by the command that people use, and judged by its log alone."""

import asyncio
import json
import sys
from pathlib import Path

from tests.system.judge_export import faults_of, pages_of

TRACE = Path(__file__).parents[1] / "cli" / "bookings.csv"


async def test_a_replayed_trace_breaks_no_promise(tmp_path: Path) -> None:
    """Bookings, approvals, changes, cancellations, check-ins and no-shows of a trace: nothing in the log is wrong."""
    log = tmp_path / "log.ndjson"
    command = [sys.executable, "-m", "services.cli.main", "demo", "--trace", str(TRACE), "--log", str(log), "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, told = await process.communicate()
    assert process.returncode == 0, told.decode()
    pages = list(pages_of(log))
    assert faults_of(pages) == []
    ending = json.loads(said)
    assert ending["differences"] == []
    assert min(ending["done"][kind] for kind in ("ask", "approve", "change", "cancel", "check in")) > 0
    written = [event["type"] for each in pages for entry in each.page["entries"] for event in entry["events"]]
    assert written.count("reservation_missed") == ending["no_shows"] > 0
    assert written.count("strike_given") == ending["strikes"] >= ending["no_shows"]
