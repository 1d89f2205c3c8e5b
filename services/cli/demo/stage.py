"""The stage of a demonstration: a fresh centre in a folder, running and filled while something is played on it."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services.audit import forms
from services.cli.async_client import AsyncClient, open_client
from services.cli.audit import export_lines
from services.cli.catalogue import Catalogue
from services.cli.client import Client
from services.cli.connection import OPERATOR, Connection
from services.cli.options import EVERY_COMPANY
from services.cli.outcome import Failed
from services.cli.tables import err, plain_id
from services.cli.together import until
from services.cli.up.centre import Centre
from services.cli.up.folder import DataFolder
from services.cli.up.serve import fill, report
from services.cli.up.supervisor import GaveUp, Supervisor
from services.runtime.embedded import StartError


class Stage:
    """A centre under simulated time, `clock` as AIDC_CLOCK says it. `log` is where to write its log at the end."""

    def __init__(self, folder: DataFolder, catalogue: Catalogue, clock: str, log: Path | None = None) -> None:
        self.catalogue = catalogue
        self.folder = folder
        self._log = log
        folder.public_keys()
        companies = (plain_id(company.name) for company in catalogue.companies)
        self.tokens: Mapping[str, str] = {**folder.committee_tokens(), **folder.tokens(companies)}
        self.centre = Centre(folder, catalogue.centre, clock)

    async def run(self, play: Callable[[AsyncClient], Awaitable[None]]) -> None:
        """Start everything, play as an operator, and stop everything that was started. Raises `Failed`."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        supervisor = self.centre.supervisor(report)
        try:
            await until(stopped.wait(), self._perform(supervisor, play))
        except (StartError, GaveUp) as problem:
            raise Failed(str(problem)) from problem
        finally:
            await supervisor.stop()

    async def _perform(self, supervisor: Supervisor, play: Callable[[AsyncClient], Awaitable[None]]) -> None:
        with err.status("Starting nats-server, Postgres and the three services …"):
            await supervisor.start()
        await until(self._play(play), supervisor.keep_alive())

    async def _play(self, play: Callable[[AsyncClient], Awaitable[None]]) -> None:
        await fill(self.centre, self.catalogue)
        where = Connection(
            scheduler=self.centre.scheduler.grpc, ledger=self.centre.ledger.grpc, token=self.tokens[OPERATOR]
        )
        async with open_client(where) as client:
            await play(client)
        if self._log is not None:
            await asyncio.to_thread(export, where, self._log)


def export(where: Connection, path: Path) -> None:
    """Write the whole log to a file, as `aidc audit export` does. Raises `Failed`."""
    try:
        with Client(where) as client, path.open("wb") as file:
            file.writelines(forms.write(line) for line in export_lines(client, EVERY_COMPANY))
    except OSError as problem:
        raise Failed(f"cannot write {path}: {problem.strerror}") from problem


@contextmanager
def fresh_folder() -> Iterator[DataFolder]:
    """A folder that goes away afterwards, unless something went wrong. Raises `Failed`, saying where it is."""
    path = Path(tempfile.mkdtemp(prefix="aidc-demo-"))
    try:
        with DataFolder(path) as folder:
            yield folder
    except Failed as problem:
        raise Failed(f"{problem} (the logs are kept in {path})") from problem
    shutil.rmtree(path)
