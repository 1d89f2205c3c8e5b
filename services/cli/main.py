"""`aidc`: the command line. One file per group of commands; this one gathers them and turns endings into exit statuses.

0 done or granted, 2 refused, 3 outcome unknown (retry with the same --request-id), 130 interrupted, 1 anything else, in
one line.
"""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # Usage errors; typer re-exports only some.
from typer.exceptions import Abort, Exit

from services.cli import (
    agent,
    approvals,
    arrears,
    audit,
    booking,
    changing,
    corrections,
    exempting,
    funding,
    ledger,
    many,
    misuse,
    officers,
    outages,
    quotas,
    records,
    report,
    reservations,
    reserves,
    resources,
    searching,
    series,
    series_change,
    splitting,
    statement,
    tariff,
    top,
    transferring,
)
from services.cli.catalogue.tables import CatalogueError
from services.cli.demo.command import demo
from services.cli.documents import print_json
from services.cli.interruption import interruptible
from services.cli.load.command import load
from services.cli.options import ON_BEHALF_OF
from services.cli.outcome import DONE, FAILED, UNKNOWN, Failed, Unanswered, because
from services.cli.tables import err
from services.cli.times import Unreadable
from services.cli.up.command import up

app = typer.Typer(
    name="aidc",
    help="Book the compute and the demonstration equipment of a shared AI data centre.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def everywhere(
    on_behalf_of: Annotated[
        str,
        typer.Option("--on-behalf-of", metavar="ID", help="For a support officer: the company that they act for."),
    ] = "",
) -> None:
    """Book the compute and the demonstration equipment of a shared AI data centre."""
    ON_BEHALF_OF.set(on_behalf_of)


OUT_OF_RANGE = "Value out of range"
"""What protobuf says of a number that its field cannot hold."""
RUN, BOOK, LOOK, APPROVE = "Run a centre", "Book", "Look", "Approve"
for command, panel in (
    (resources.resources, BOOK),
    (searching.search, BOOK),
    (booking.book, BOOK),
    (many.book_many, BOOK),
    (booking.confirm, BOOK),
    (changing.change, BOOK),
    (splitting.split, BOOK),
    (transferring.transfer, BOOK),
    (transferring.accept, BOOK),
    (transferring.decline, BOOK),
    (booking.cancel, BOOK),
    (booking.release, BOOK),
    (records.check_in, BOOK),
    (reservations.list_, LOOK),
    (reservations.show, LOOK),
    (reservations.watch, LOOK),
    (series.calendar, LOOK),
    (statement.statement, LOOK),
    (statement.changes, LOOK),
    (report.report, LOOK),
    (quotas.quotas, LOOK),
    (quotas.token, LOOK),
    (records.conduct, LOOK),
    (records.terms, LOOK),
    (reserves.reserve, LOOK),
    (tariff.tariff, LOOK),
    (top.top, LOOK),
    (approvals.approvals, APPROVE),
    (approvals.approve, APPROVE),
    (approvals.deny, APPROVE),
    (up, RUN),
    (demo, RUN),
    (agent.agent, RUN),
    (load, RUN),
    (tariff.close, RUN),
    (funding.funding, RUN),
    (records.qualify, RUN),
    (records.forgive, RUN),
    (corrections.correct, RUN),
    (exempting.exempt, RUN),
):
    app.command(name=command.__name__.rstrip("_").replace("_", "-"), rich_help_panel=panel)(command)

series.app.command("change")(series_change.change)
app.add_typer(series.app, name="series", rich_help_panel=BOOK)
app.add_typer(arrears.app, name="arrears", rich_help_panel=RUN)
app.add_typer(misuse.app, name="misuse", rich_help_panel=RUN)
app.add_typer(officers.app, name="officer", rich_help_panel=RUN)
app.add_typer(audit.app, name="audit", rich_help_panel=LOOK)
app.add_typer(outages.app, name="outage", rich_help_panel=RUN)
app.add_typer(ledger.app, name="ledger", rich_help_panel=RUN)


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Carry out one command and give its exit status."""
    with interruptible():
        return _carry_out(arguments)


def _carry_out(arguments: list[str]) -> int:
    try:
        status: Any = app(arguments, prog_name="aidc", standalone_mode=False)
    except Unanswered as problem:
        return unanswered(problem, as_json="--json" in arguments)
    except (Failed, Unreadable, CatalogueError) as problem:
        return failed(str(problem))
    except Exit as ended:
        return ended.exit_code
    except Abort:
        return failed("aborted")
    except NoArgsIsHelpError:  # The help is printed already.
        return FAILED
    except ClickException as problem:
        return failed(f"{problem.format_message()} (--help tells more)")
    except (OverflowError, ValueError) as problem:
        if isinstance(problem, ValueError) and not str(problem).startswith(OUT_OF_RANGE):
            raise
        return failed(f"a number or a time is larger than any here: {problem}")
    except OSError as problem:
        # Such as a full disk behind our output; files that we are given are told by their names.
        return failed(f"cannot go on: {because(problem)}")
    return status if isinstance(status, int) else DONE


def failed(message: str) -> int:
    """Say in one line what went wrong."""
    err.print(f"aidc: {' '.join(message.split())}", markup=False, soft_wrap=True)
    return FAILED


def unanswered(problem: Unanswered, as_json: bool) -> int:
    """Say that nobody knows, and how to find out."""
    failed(f"outcome unknown: {problem.message}. Retry with --request-id {problem.request_id}")
    if as_json:
        print_json({"outcome": "unknown", "message": problem.message, "request_id": problem.request_id})
    return UNKNOWN


if __name__ == "__main__":
    main()
