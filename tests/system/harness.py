"""A whole centre of real processes, for tests to break: five parts that can be killed and started one by one."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc.aio

from services.cli.up.service import Service
from services.cli.up.supervisor import Supervisor
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerStub
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.generated.aidc.scheduler.v1.scheduler_pb2_grpc import SchedulerStub
from services.runtime.embedded import NatsServer, Postgres
from services.runtime.identity import Identity, Role, mint_token
from services.runtime.keys import make_keys
from tests.system import small_catalogue
from tests.system.small_catalogue import COMPANIES, HOUR, MONDAY

SECONDS_MAX = 30.0
"""How long a test waits for anything: writes resume, and views catch up, within this time of a fault's end."""
POLL_SECONDS = 0.02
CALL_SECONDS = 10.0
SPEED = 1800
"""Half an hour passes in a second, so that reservations start and end while a test runs, and an outage of many seconds
is still shorter than the day for which requests are remembered."""
OFFICER = "officer-1"
HOLDERS = ("operator", "auditor", OFFICER, *COMPANIES)
RECONNECT_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))

Part = NatsServer | Postgres | Service


PARTS = ("nats", "postgres", "scheduler", "ledger", "metrics")
"""The attributes of a centre that are its processes."""


class SimulatedTime:
    """The time that a centre lives in; a scheduler that is started again goes on where time has come to."""

    def __init__(self, speed: int) -> None:
        self._speed = speed
        self._began = time.monotonic()

    def now(self) -> int:
        """Seconds since 1970-01-01 UTC."""
        return int(MONDAY + (time.monotonic() - self._began) * self._speed)

    def setting(self) -> str:
        """AIDC_CLOCK for a scheduler that starts now."""
        return f"{datetime.fromtimestamp(self.now(), UTC).isoformat()}@{self._speed}"


class Centre:
    """nats-server, Postgres and the three services, in a folder. Start and stop as a context manager."""

    def __init__(self, folder: Path, name: str = "system", speed: int = SPEED) -> None:
        self.name = name
        self.time = SimulatedTime(speed)
        self.reports: list[str] = []
        """What the supervisor told."""
        self._folder = folder
        self._keys = make_keys(folder / "keys")
        self.nats = NatsServer(folder / "nats")
        self.postgres = Postgres(folder / "postgres")
        self.scheduler = self.new_scheduler("scheduler")
        self.ledger = Service("ledger", folder / "ledger", self.ledger_settings, grpc="127.0.0.1:0")
        self.metrics = Service("metrics", folder / "metrics", self.settings)

    async def __aenter__(self) -> "Centre":
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything: the servers, then the scheduler, which makes the log, then those that read it."""
        await asyncio.gather(self.nats.start(), self.postgres.start())
        await self.scheduler.start()
        await asyncio.gather(self.ledger.start(), self.metrics.start())

    async def stop(self) -> None:
        """Stop whatever runs."""
        started = [part for part in (self.metrics, self.ledger, self.scheduler) if _was_started(part)]
        await asyncio.gather(*(part.stop() for part in started))
        await asyncio.gather(self.postgres.stop(), self.nats.stop())

    def part(self, name: str) -> Part:
        """A part by its attribute's name."""
        part: Part = getattr(self, name)
        return part

    def new_scheduler(self, folder: str) -> Service:
        """A scheduler of this centre that works in a folder of its own; not started."""
        return Service("scheduler", self._folder / folder, self._scheduler_settings, grpc="127.0.0.1:0")

    @cached_property
    def tokens(self) -> Mapping[str, str]:
        """A token for the operator, the auditor, a support officer and each company."""
        identities = (
            Identity("operator", Role.OPERATOR, ""),
            Identity("auditor", Role.AUDITOR, ""),
            Identity(OFFICER, Role.OFFICER, ""),
            *(Identity(company, Role.COMPANY, company) for company in COMPANIES),
        )
        return {
            holder: mint_token(self._folder / "keys", identity, time.time(), lifetime_seconds=HOUR)
            for holder, identity in zip(HOLDERS, identities, strict=True)
        }

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Whatever dies meanwhile is started again, by the very supervisor that `aidc up` has."""
        parts = {name: self.part(name) for name in PARTS}
        keeping = asyncio.create_task(Supervisor([parts], self.reports.append).keep_alive())
        try:
            yield
            assert not keeping.done(), keeping.exception()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    def settings(self) -> dict[str, str]:
        """What every service is told."""
        return {
            "AIDC_CENTRE": self.name,
            "AIDC_NATS_URL": self.nats.url,
            "AIDC_NATS_MONITOR": self.nats.monitor_url,
            "AIDC_KEYS": str(self._keys),
        }

    def ledger_settings(self) -> dict[str, str]:
        """What the ledger is told."""
        return {**self.settings(), "AIDC_POSTGRES_DSN": self.postgres.dsn}

    def _scheduler_settings(self) -> dict[str, str]:
        return {**self.settings(), "AIDC_CLOCK": self.time.setting()}


class Clients:
    """Stubs of a centre's services, wherever they are served at the moment. Use as a context manager."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._stubs: dict[tuple[type, str], Any] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Clients":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def scheduler(self) -> Any:
        """Stubs of the scheduler."""
        return self._stub(SchedulerStub, self.centre.scheduler.grpc)

    @property
    def ledger(self) -> Any:
        """Stubs of the ledger."""
        return self._stub(LedgerStub, self.centre.ledger.grpc)

    def bearer(self, holder: str) -> tuple[tuple[str, str], ...]:
        """The metadata that says who calls."""
        return (("authorization", f"Bearer {self.centre.tokens[holder]}"),)

    async def call(self, method: Any, request: Any, holder: str, seconds: float = CALL_SECONDS) -> Any:
        """One attempt. Raises grpc.aio.AioRpcError."""
        return await method(request, metadata=self.bearer(holder), timeout=seconds)

    def _stub(self, kind: type, address: str) -> Any:
        if (kind, address) not in self._stubs:
            self._stubs[kind, address] = kind(self.channel(address))
        return self._stubs[kind, address]

    def channel(self, address: str) -> grpc.aio.Channel:
        """A channel to an address, open until the end."""
        if address not in self._channels:
            channel = grpc.aio.insecure_channel(address, options=RECONNECT_OPTIONS)
            self._stack.push_async_callback(channel.close)
            self._channels[address] = channel
        return self._channels[address]


async def register(clients: Clients) -> None:
    """Register the small catalogue, as an operator does."""
    stub = clients.scheduler
    requests: list[tuple[Any, Any]] = [
        *((stub.RegisterResource, api.RegisterResourceRequest(resource=each)) for each in small_catalogue.resources()),
        *((stub.RegisterCompany, api.RegisterCompanyRequest(company=each)) for each in small_catalogue.companies()),
        *((stub.GrantQuota, api.GrantQuotaRequest(quota=each)) for each in small_catalogue.quotas()),
    ]
    for method, request in requests:
        request.request_id = str(uuid.uuid4())
        await clients.call(method, request, "operator")


@asynccontextmanager
async def running_centre(folder: Path, speed: int = SPEED) -> AsyncIterator[Clients]:
    """A running centre with the small catalogue registered, in which time passes `speed` times as fast as here."""
    async with Centre(folder, speed=speed) as centre, Clients(centre) as clients:
        await register(clients)
        yield clients


def kill(part: Part) -> None:
    """kill -9, without waiting for anything."""
    os.kill(part.pid if isinstance(part, Service) else part.process.pid, signal.SIGKILL)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A child of ours that is there and does nothing, for as long as the block runs.

    On a busy machine it may run on for a while after the signal, so the block waits until all of it stands still.
    """
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # It may have been killed meanwhile.
            os.kill(pid, signal.SIGCONT)


async def eventually(condition: Callable[[], Awaitable[bool] | bool], what: str) -> None:
    """Wait until a condition holds. Raises AssertionError when it does not within `SECONDS_MAX`."""
    give_up = time.monotonic() + SECONDS_MAX
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        assert time.monotonic() < give_up, f"not within {SECONDS_MAX:.0f} s: {what}"
        await asyncio.sleep(POLL_SECONDS)


def _was_started(service: Service) -> bool:
    try:
        return service.pid > 0
    except AssertionError:
        return False
