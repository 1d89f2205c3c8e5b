"""`aidc book-many`: demands from a file or a pipe, one JSON object a line, each booked for itself."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from services.cli.async_client import open_client
from services.cli.demand_lines import EXAMPLE, Reader, numbered
from services.cli.documents import document, print_json_line
from services.cli.options import Caller, Company, Data, Json, connect, parent_of
from services.cli.outcome import DONE, REFUSED, UNKNOWN, Failed, Unanswered, because
from services.cli.reading_aside import aside
from services.cli.streaming import Request, Streaming
from services.cli.tables import err, out, plain_id
from services.cli.times import Unreadable
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

Source = Annotated[
    Path,
    typer.Argument(metavar="FILE", help=f"One JSON object a line, such as {EXAMPLE}; - reads from a pipe."),
]


def book_many(
    source: Source,
    prices: Annotated[bool, typer.Option("--prices", help="Tell what each of them costs.")] = False,
    company: Company = "",
    data: Data = None,
    caller: Caller = "",
    as_json: Json = False,
) -> None:
    """Book many demands, each for itself. The same file again books nothing twice."""
    with connect(data, caller, company) as client, _opened(source) as lines:
        parent = parent_of(client.connection, company)
        resources = {plain_id(resource.name): resource for resource in client.resources()}
        reader = Reader(parent, resources, client.now, client.zone)
        report = Report(as_json)
        with report.shown():
            try:
                asyncio.run(_book(client.connection, parent, reader, lines, report, prices=prices))
            except KeyboardInterrupt:
                if not report.counts["unknown"]:
                    raise
    raise typer.Exit(report.status)


class Report:
    """What became of each line, for people or for programs, and of all of them. People read names alone: `brief`."""

    def __init__(self, as_json: bool) -> None:
        self.counts = {"granted": 0, "refused": 0, "unknown": 0}
        self.brief = not as_json
        self._bar = Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True)
        self._task = self._bar.add_task("")

    @property
    def status(self) -> int:
        """The exit status: unknown outcomes come first, then refusals."""
        return UNKNOWN if self.counts["unknown"] else REFUSED if self.counts["refused"] else DONE

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Progress meanwhile, and the sum of it all at the end."""
        with self._bar:
            yield
        err.print(self._summary())

    def answered(self, line: int, result: api.BatchResult) -> None:
        """Tell the answer to a line."""
        if result.HasField("reservation"):
            self._tell(line, "granted", result.request_id, reservation=document(result.reservation))
            return
        problem = result.problem
        violations = [document(violation) for violation in problem.refusal.violations]
        reasons = list(dict.fromkeys(violation["reason"] for violation in violations)) or [problem.reason]
        self._tell(line, "refused", result.request_id, message=problem.message, reasons=reasons, violations=violations)

    def unreadable(self, line: int, error: Exception) -> None:
        """Tell that a line is no demand: nothing was asked."""
        self._tell(line, "refused", "", message=str(error), reasons=["UNREADABLE"], violations=[])

    def unknown(self, line: int, request_id: str, message: str) -> None:
        """Tell that nobody knows: the same line again, under the same request id, tells."""
        self._tell(line, "unknown", request_id, message=message)

    def _tell(self, line: int, outcome: str, request_id: str, **details: Any) -> None:
        self.counts[outcome] += 1
        self._bar.update(self._task, description=self._summary())
        if not self.brief:
            print_json_line({"line": line, "outcome": outcome, "request_id": request_id, **details})
            return
        what = details["message"] if outcome != "granted" else _granted(details["reservation"])
        out.print(f"{line:>6}  {outcome:8} {what}", markup=False, soft_wrap=True)

    def _summary(self) -> str:
        return ", ".join(f"{count:,} {outcome}" for outcome, count in self.counts.items())


def _granted(reservation: dict[str, Any]) -> str:
    """The name of what was booked, and what it costs where that was asked for and is told."""
    cost = f"  {int(reservation['cost']['krw']):,} KRW" if "cost" in reservation else ""
    return f"{reservation['name']}{cost}"


async def _book(connection: Any, parent: str, reader: Reader, lines: TextIO, report: Report, *, prices: bool) -> None:
    """Send every line, and report what became of it."""
    numbers: dict[str, int] = {}
    async with open_client(connection) as client:
        streaming = Streaming(client, parent, priced=prices, brief=report.brief)
        try:
            async for result in streaming.book(_requests(reader, lines, numbers, report)):
                report.answered(numbers.pop(result.request_id), result)
        except (Unanswered, asyncio.CancelledError) as problem:
            why = str(problem) or "interrupted"
            for request in streaming.unanswered:
                report.unknown(numbers[request.request_id], request.request_id, why)
            err.print(f"{why}. The same file again tells, and books nothing twice.", markup=False)
            if isinstance(problem, asyncio.CancelledError):
                raise


async def _requests(
    reader: Reader, file: TextIO, numbers: dict[str, int], report: Report
) -> AsyncGenerator[Request, None]:
    """The demands as they are read; `numbers` tells the line of each by its request id."""
    async for number, text in aside(numbered(file)):
        try:
            request = reader.request(number, text)
            if request.request_id in numbers:
                raise Unreadable(f"line {numbers[request.request_id]} has the same request id")
        except (Unreadable, Failed) as error:
            report.unreadable(number, error)
            continue
        numbers[request.request_id] = number
        yield request


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[TextIO]:
    """The file, or standard input. What is no UTF-8 shows as such in the line that it is in."""
    try:
        if str(source) == "-":
            # Never closed: that would wait for whoever is still reading a line of it.
            yield open(0, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            return
        with open(source, encoding="utf-8", errors="replace") as file:
            yield file
    except OSError as problem:
        raise Failed(f"cannot read {source}: {because(problem)}") from problem
