"""Real servers for every test: a nats-server and a Postgres for each process, a fresh database for each test."""

import asyncio
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from services.runtime.embedded import NatsServer, Postgres

settings.register_profile("untimed", deadline=None)  # How long a test takes depends on who shares the machine.
settings.load_profile("untimed")
os.environ["COLUMNS"] = "160"  # Tables are as wide wherever tests run, and from the first import on.

MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 << 30
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN:
    # What was written outlives a killed process there as well, and no test cuts the power: servers need not wait for
    # the disk that everybody shares. They sync as they always do.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

_numbers = itertools.count(1)


SLOW_FIRST = ("system", "ledger")
"""The rooms whose tests start whole processes: begun last, one of them would have a worker all to itself at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow rooms; all else stays in order."""
    rooms = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(rooms).parts[0] not in SLOW_FIRST)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server with JetStream that syncs always. Tests share it: use a stream name of your own."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def nats_url(nats_server: NatsServer) -> str:
    """Where to connect to the shared nats-server, password included."""
    return nats_server.url


@pytest.fixture(scope="session")
def nats_monitor(nats_server: NatsServer) -> str:
    """The base of the shared nats-server's monitoring pages."""
    return nats_server.monitor_url


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A Postgres. Tests share it; they want `postgres_dsn`."""
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> Iterator[str]:
    """A fresh, empty database, removed after the test whoever still uses it."""
    name = f"test_{next(_numbers)}"
    yield asyncio.run(postgres.create_database(name))
    asyncio.run(postgres.drop_database(name))
