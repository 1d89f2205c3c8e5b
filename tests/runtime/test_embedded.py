"""The embedded servers keep what they acknowledged, hide their passwords, and are never left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import asyncpg
import pytest

from services.runtime.embedded import NatsServer, Postgres, StartError
from services.runtime.embedded.child import Child, last_words

SUPERVISOR = """
import asyncio, os, sys
from pathlib import Path
from services.runtime.embedded import NatsServer, Postgres

    async def main(): async with NatsServer(Path(sys.argv[1]) / "nats") as nats, Postgres(Path(sys.argv[1]) /
    "postgres") as postgres: print(nats.process.pid, postgres.process.pid, flush=True) await
    asyncio.Event().wait()

asyncio.run(main())
"""


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def test_nats_server_syncs_every_write(nats_monitor: str):
    """The effective setting, as the server itself reports it, is to sync always."""
    with urllib.request.urlopen(f"{nats_monitor}/jsz?config=1") as answer:  # noqa: S310, ASYNC210
        assert json.load(answer)["config"]["sync_always"] is True


async def test_nats_server_comes_back_where_it_was(tmp_path: Path):
    """A killed nats-server starts again on the same ports, with the same password."""
    async with NatsServer(tmp_path / "nats") as server:
        url, monitor = server.url, server.monitor_url
        server.kill()
        assert await server.exited() == -signal.SIGKILL
        await server.start()
        assert (server.url, server.monitor_url) == (url, monitor)
    assert server.process.returncode == 0


async def test_a_child_imports_what_we_would_import_and_inherits_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where Python finds the code goes on to a child, so that a compiled tree is what runs; a secret does not."""
    (tmp_path / "only_here.py").write_text("import os; print(os.environ.get('SECRET', 'none'), flush=True)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SECRET", "hush")
    child, log = Child("child", tmp_path, signal.SIGTERM), tmp_path / "child.log"

    async def said() -> bool:
        return log.read_text() == "none\n"

    await child.start([sys.executable, "-c", "import only_here, time; time.sleep(60)"], said)
    await child.stop()
    assert await said()


async def test_postgres_keeps_what_it_committed(tmp_path: Path):
    """A killed Postgres starts again on the same port with every committed row."""
    async with Postgres(tmp_path / "postgres") as server:
        dsn = server.dsn
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.kill()
        await server.start()
        assert server.dsn == dsn
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT one FROM kept") == 1
        await connection.close()


async def test_postgres_is_durable_and_its_user_is_no_superuser(postgres_dsn: str):
    """fsync, full-page writes, synchronous commits and checksums are on; the user only owns its database."""
    connection = await asyncpg.connect(postgres_dsn)
    for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert await connection.fetchval(f"SHOW {setting}") == "on"
    assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    await connection.execute("CREATE EXTENSION btree_gist")
    await connection.close()


async def test_postgres_refuses_a_wrong_password(postgres: Postgres):
    """Nobody comes in from loopback without the password."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://aidc:guess@{postgres.address}/aidc")


def test_passwords_are_in_no_argument_and_no_readable_file(nats_server: NatsServer, postgres: Postgres):
    """Other users of the machine cannot see a password in the process list or in a file."""
    for server, url in ((nats_server, nats_server.url), (postgres, postgres.dsn)):
        password = url.split("@")[0].rsplit(":", 1)[1]
        arguments = Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert password not in arguments
        assert password not in repr(server)
    folder = Path(Path(f"/proc/{nats_server.process.pid}/cmdline").read_text().split("\0")[2]).parent
    for file in ("nats.conf", "nats-password"):
        assert (folder / file).stat().st_mode & 0o777 == 0o600


async def test_a_taken_port_is_an_error_that_says_so(tmp_path: Path, nats_server: NatsServer):
    """Asking for a port that another server holds ends with the server's own words."""
    port = int(nats_server.address.rpartition(":")[2])
    with pytest.raises(StartError, match="address already in use"):
        await NatsServer(tmp_path / "nats", port=port).start()


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ('{"event": "serving"}\n{"event": "service_failed", "message": "no such table"}\n', "no such table"),
        ('{"event": "settings_wrong", "problems": ["a is missing", "b too"]}', "a is missing; b too"),
        ("[1] FATAL: out of disk\n", "[1] FATAL: out of disk"),
        ('{"event": "serving"}', '{"event": "serving"}'),
        ("", ""),
    ],
)
def test_a_server_that_does_not_start_says_why_in_one_line(log: str, said: str):
    """Of a service's own log the reason is told, not the lines before it; of another's the end of it."""
    assert last_words(log) == said


async def test_one_folder_has_one_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A second server on the same store waits for the first to end, and gives up in the end."""
    async with NatsServer(tmp_path / "nats") as first:
        monkeypatch.setattr("services.runtime.embedded.child.START_SECONDS", 0.2)
        with pytest.raises(StartError, match="another one works in"):
            await NatsServer(tmp_path / "nats").start()
        assert first.running


async def test_a_long_folder_name_does_without_a_socket(tmp_path: Path):
    """Postgres starts in a folder whose name is too long for a Unix socket."""
    async with Postgres(tmp_path / ("long" * 30)) as server:
        await (await asyncpg.connect(server.dsn)).close()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells children that their parent died.")
async def test_nothing_outlives_a_killed_supervisor(tmp_path: Path):
    """When the supervisor is killed outright, both servers end by themselves and free their folders."""
    supervisor = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    pids = [int(pid) for pid in supervisor.stdout.readline().split()]
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    async with asyncio.timeout(15):
        # Starting waits for the folder's lock, which the old server holds as long as it lives.
        async with NatsServer(tmp_path / "nats"), Postgres(tmp_path / "postgres"):
            assert all(has_ended(pid) for pid in pids)
