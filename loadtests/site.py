"""The servers under load, as processes of their own in a temporary folder: everything on, nothing tuned for it."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from loadtests import workload
from loadtests.jobs import Lane
from services.cli.async_client import AsyncClient, open_client
from services.cli.catalogue import Catalogue, read_catalogue
from services.cli.connection import Connection
from services.cli.seeding import seed, size
from services.runtime.embedded import NatsServer
from services.runtime.embedded.child import Child
from services.runtime.identity import Identity, Role, mint_token
from services.runtime.keys import make_keys

CENTRE_FOLDER = Path(__file__).parent.parent / "deploy" / "centre"
TOKEN_SECONDS = 3600
POLL_SECONDS = 0.002
START_SECONDS_MAX = 120.0
SCHEDULER = ("-m", "services.scheduler.app")

Advance = Callable[[int, int], None]
"""Told how much is done, of how much."""


class Keys:
    """The keys of a site, and tokens signed with them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.public = make_keys(folder)

    def token(self, identity: Identity) -> str:
        """A token that outlives the run."""
        return mint_token(self._folder, identity, time.time(), TOKEN_SECONDS)

    def operator(self) -> str:
        """An operator's token."""
        return self.token(Identity("bench", Role.OPERATOR, ""))

    def lanes(self, companies: Sequence[str] = workload.COMPANIES) -> tuple[Lane, ...]:
        """One lane for each company."""
        return tuple(
            Lane(company=company, token=self.token(Identity(company, Role.COMPANY, company))) for company in companies
        )


class Service:
    """One service's process. `program` is what Python runs; profiling runs another one around the same service."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, str], program: tuple[str, ...]) -> None:
        folder.mkdir(parents=True)
        self.addresses: dict[str, str] = {}
        self._ready_file = folder / "ready.json"
        self._program = program
        self._child = Child(name, folder, signal.SIGTERM)
        self._settings = {**settings, "AIDC_READY_FILE": str(self._ready_file)}

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.process.pid

    async def start(self) -> None:
        """Start, and wait until it says that it serves. Raises `StartError`."""
        self._ready_file.unlink(missing_ok=True)
        await self._child.start([sys.executable, *self._program], self._ready, self._settings)
        self.addresses = json.loads(self._ready_file.read_text())

    async def _ready(self) -> bool:
        """Looked at more often than the supervisor does: here the start is timed."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self._child.running:
            if self._ready_file.exists():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def stop(self) -> None:
        """Ask it to end, and see that it does."""
        await self._child.stop()

    def kill(self) -> None:
        """Kill it outright."""
        self._child.kill()


class Scheduler(Service):
    """The scheduler's process, on a log and keys that are there already."""

    def __init__(
        self, folder: Path, nats: NatsServer, keys: Keys, centre: str, program: tuple[str, ...] = SCHEDULER
    ) -> None:
        settings = {
            "AIDC_CENTRE": centre,
            "AIDC_NATS_URL": nats.url,
            "AIDC_NATS_MONITOR": nats.monitor_url,
            "AIDC_KEYS": str(keys.public),
            "AIDC_LISTEN": "127.0.0.1:0",
            "AIDC_METRICS_LISTEN": "127.0.0.1:0",
        }
        super().__init__(folder, "scheduler", settings, program)

    @property
    def address(self) -> str:
        """Where it answers, once it has started."""
        return self.addresses["grpc"]


@asynccontextmanager
async def centre(
    folder: Path,
    advance: Advance,
    program: tuple[str, ...] = SCHEDULER,
    companies: Sequence[str] = workload.COMPANIES,
) -> AsyncIterator[tuple[NatsServer, Scheduler, Keys]]:
    """A centre with the whole catalogue of `deploy/centre` and the pool of the workload and these companies."""
    keys = Keys(folder / "keys")
    async with AsyncExitStack() as stack:
        nats = await stack.enter_async_context(NatsServer(folder / "nats"))
        scheduler = Scheduler(folder / "scheduler", nats, keys, "bench", program)
        await scheduler.start()
        stack.push_async_callback(scheduler.stop)
        connection = Connection(scheduler=scheduler.address, ledger=scheduler.address, token=keys.operator())
        client = await stack.enter_async_context(open_client(connection))
        await register(client, advance, companies)
        yield nats, scheduler, keys


async def register(client: AsyncClient, advance: Advance, companies: Sequence[str]) -> None:
    """Register the real catalogue and the workload's own through the API."""
    now = int(time.time())
    real = read_catalogue(CENTRE_FOLDER)
    own = Catalogue(
        centre="bench",
        time_zone="Asia/Seoul",
        resources=(workload.pool(),),
        companies=tuple(workload.companies(now, companies)),
        quotas=tuple(workload.quotas(now, companies)),
    )
    total, done = size(real) + size(own), 0

    def one_more() -> None:
        nonlocal done
        done += 1
        advance(done, total)

    for catalogue in (real, own):
        await seed(client, catalogue, one_more)


def resident_bytes(pid: int) -> int:
    """Memory that a process has in use, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
