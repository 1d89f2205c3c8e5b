"""The life of a centre that runs here: start, fill it from its catalogue, explain, keep alive, stop cleanly."""

import asyncio
import signal
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from services.cli.async_client import open_client
from services.cli.catalogue import Catalogue
from services.cli.connection import OPERATOR, Connection
from services.cli.documents import print_json_line
from services.cli.outcome import Failed, because
from services.cli.seeding import seed, size
from services.cli.tables import err, out, plain_id
from services.cli.together import together, until
from services.cli.up.centre import Centre
from services.cli.up.explanation import explain
from services.cli.up.supervisor import GaveUp, Supervisor
from services.runtime.embedded import StartError

TOKENS_RENEWED_SECONDS = 6 * 3600.0
"""A token lives for a day at most, so `endpoints.json` always holds tokens that are good for hours."""
TOKENS_RETRIED_SECONDS = 60.0


async def serve(centre: Centre, catalogue: Catalogue, empty: bool, shown: Path, as_json: bool) -> None:
    """Run until Ctrl-C or SIGTERM. Raises `Failed` if a part does not start or stay alive."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    supervisor = centre.supervisor(report)
    try:
        await until(stopped.wait(), live(supervisor, centre, catalogue, empty, shown, as_json))
        err.print("\nStopping …")
    except (StartError, GaveUp) as problem:
        raise Failed(str(problem)) from problem
    except OSError as problem:
        raise Failed(f"cannot work in {shown}: {because(problem)}") from problem
    finally:
        await supervisor.stop()


async def live(
    supervisor: Supervisor, centre: Centre, catalogue: Catalogue, empty: bool, shown: Path, as_json: bool
) -> None:
    """Start, fill, publish, explain, and stay."""
    with err.status("Starting nats-server, Postgres, the three services and the board …"):
        await supervisor.start()

    async def work() -> None:
        if not empty:
            await fill(centre, catalogue)
        await publish(centre, catalogue)
        if as_json:
            print_json_line({**centre.addresses(), "endpoints": str(centre.folder.endpoints)})
        else:
            explain(out, centre, catalogue, empty, shown)
        await renew_tokens(centre, catalogue)

    await together(supervisor.keep_alive(), work())


async def fill(centre: Centre, catalogue: Catalogue) -> None:
    """Register the catalogue, behind a progress bar."""
    token = centre.folder.tokens(())[OPERATOR]
    where = Connection(scheduler=centre.scheduler.grpc, ledger=centre.ledger.grpc, token=token)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    async with open_client(where) as client:
        with Progress(*columns, console=err) as progress:
            task = progress.add_task("Registering the catalogue", total=size(catalogue))
            await seed(client, catalogue, lambda: progress.advance(task))


async def publish(centre: Centre, catalogue: Catalogue) -> None:
    """Say where everything is, with fresh tokens."""
    companies = [plain_id(company.name) for company in catalogue.companies]
    # Signing two hundred tokens takes a moment in which the parts must still be looked after.
    tokens = await asyncio.to_thread(centre.folder.tokens, companies)
    people = {"committee": centre.folder.committee_tokens(), "officers": centre.folder.officer_tokens()}
    centre.folder.write_endpoints({**centre.endpoints(), "tokens": tokens, **people})


async def renew_tokens(centre: Centre, catalogue: Catalogue) -> None:
    """Replace the tokens long before they run out, for ever. A full disk is told and outlived."""
    pause = TOKENS_RENEWED_SECONDS
    while True:
        await asyncio.sleep(pause)
        try:
            await publish(centre, catalogue)
            pause = TOKENS_RENEWED_SECONDS
        except OSError as problem:
            report(f"the tokens cannot be renewed: {because(problem)}; trying again in {TOKENS_RETRIED_SECONDS:.0f} s")
            pause = TOKENS_RETRIED_SECONDS


def report(message: str) -> None:
    """Tell of the life of a part."""
    err.print(message, style="yellow", markup=False, soft_wrap=True)
