"""The service as a process: it serves, survives being killed, lets one writer win, and rebuilds."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import time

import grpc
import pytest

from services.audit.keys import PUBLIC, read_public_keys
from services.audit.keys import make_keys as make_checkpoint_keys
from services.audit.notes import read_folder
from services.eventlog.jetstream import JetStreamLog
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.generated.aidc.ledger.v1.ledger_pb2_grpc import LedgerStub
from services.ledger.database import connect_readers, connect_writer
from services.ledger.digest import digests
from services.ledger.journal import read_checkpoint
from services.ledger.reading import snapshot
from services.runtime.embedded import NatsServer
from services.runtime.identity import Identity, Role, make_keys, mint_token
from tests.ledger.busy import busy_centre
from tests.ledger.pages import chained

SECONDS_MAX = 30.0
OPERATOR = Identity("lee", Role.OPERATOR, "")
_numbers = count(1)


class Process:
    """A ledger of its own, heard through its log on stderr."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, ready_file: Path) -> None:
        self.process = process
        self.folder = folder
        self.ready_file = ready_file

    async def says(self, event: str) -> dict[str, str]:
        """Listen until this event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(SECONDS_MAX):
            async for line in self.process.stderr:
                if not line.startswith(b"{"):
                    raise AssertionError((line + await self.process.stderr.read()).decode())
                said: dict[str, str] = json.loads(line)
                if said["event"] == event:
                    return said
        raise AssertionError(f"it never said {event}")

    async def ends(self) -> int:
        """Wait for the end; give the exit status."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self.process.wait()

    @property
    def endpoints(self) -> dict[str, str]:
        """Where it is reached, from its ready file."""
        addresses: dict[str, str] = json.loads(self.ready_file.read_text())
        return addresses

    async def metrics(self) -> str:
        """What Prometheus would read."""
        host, _, port = self.endpoints["http"].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        return answer

    async def balance(self, name: str, position: int) -> wire.Balance:
        """Ask for a balance as an operator, no older than a position."""
        token = mint_token(self.folder / "keys", OPERATOR, time())
        async with grpc.aio.insecure_channel(self.endpoints["grpc"]) as channel:
            answer: wire.Balance = await LedgerStub(channel).GetBalance(
                wire.GetBalanceRequest(name=name, min_position=position),
                metadata=(("authorization", f"Bearer {token}"),),
                timeout=SECONDS_MAX,
            )
            return answer


class Centre:
    """A log on the shared nats-server, a database, and the folder of the processes."""

    def __init__(self, log: JetStreamLog, nats_url: str, dsn: str, folder: Path) -> None:
        self.log = log
        self.folder = folder
        self.environment = {
            "AIDC_CENTRE": log.centre,
            "AIDC_NATS_URL": nats_url,
            "AIDC_POSTGRES_DSN": dsn,
            "AIDC_KEYS": str(make_keys(folder / "keys")),
            "AIDC_LISTEN": "127.0.0.1:0",
            "AIDC_METRICS_LISTEN": "127.0.0.1:0",
        }

    async def append(self, pages: Sequence[bytes]) -> None:
        """Put pages at the end of the log."""
        last = await self.log.last_position()
        for after, page in enumerate(pages, last):
            await self.log.append(page, after)

    @asynccontextmanager
    async def ledger(self, *arguments: str) -> AsyncIterator[Process]:
        """`python -m services.ledger.app`, killed at the end if it still runs."""
        ready_file = self.folder / f"ready-{next(_numbers)}.json"
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.ledger.app",
            *arguments,
            env={"PATH": os.environ["PATH"], "AIDC_READY_FILE": str(ready_file), **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield Process(process, self.folder, ready_file)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def digests(self) -> dict[str, object]:
        """The digest of every table, and under `position` where the tables stand."""
        readers = await connect_readers(self.environment["AIDC_POSTGRES_DSN"])
        async with snapshot(readers) as connection:
            checkpoint, tables = await read_checkpoint(connection), await digests(connection)
        readers.terminate()
        return {"position": checkpoint.position, **tables}


@pytest.fixture
async def centre(nats_url: str, postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Centre]:
    """A centre with an empty log of its own on the shared server."""
    log = await JetStreamLog.connect(nats_url, f"ledger-{next(_numbers)}")
    yield Centre(log, nats_url, postgres_dsn, tmp_path)
    await log.close()


async def test_it_serves_what_the_log_says_and_ends_in_order(centre: Centre) -> None:
    """From a cold start to an answer at a position, figures for Prometheus, and an orderly end."""
    await centre.append(chained(busy_centre(50), centre=centre.log.centre))
    async with centre.ledger() as ledger:
        await ledger.says("serving")
        answer = await ledger.balance("companies/-", 50)
        assert answer.position == 50
        assert sum(account.unit_seconds for account in answer.accounts) == 0
        metrics = await ledger.metrics()
        assert 'alloc_projection_lag_events{projection="ledger"} 0.0' in metrics
        assert 'grpc_server_handled_total{grpc_code="OK",grpc_method="GetBalance"' in metrics
        ledger.process.send_signal(signal.SIGTERM)
        assert await ledger.ends() == 0


async def test_killed_under_load_it_counts_every_page_once(centre: Centre) -> None:
    """Killed outright again and again while pages pour in, it ends with the books of an undisturbed ledger (P7)."""
    pages = chained(busy_centre(300), centre=centre.log.centre)
    for place in range(0, 300, 100):
        async with centre.ledger() as ledger:
            await ledger.says("following")
            await centre.append(pages[place : place + 100])
            ledger.process.kill()
            await ledger.ends()
    async with centre.ledger() as ledger:
        await ledger.says("serving")
        await ledger.balance("companies/-", 300)
    disturbed = await centre.digests()
    async with centre.ledger("--rebuild") as rebuilding:
        assert rebuilding.process.stdout is not None
        printed = (await rebuilding.process.stdout.read()).decode()
        assert await rebuilding.ends() == 0
    assert await centre.digests() == disturbed
    lines = [json.loads(line) for line in printed.splitlines()]
    assert {line["phase"] for line in lines[:-1]} == {"folding", "comparing"}
    assert (lines[-1]["phase"], lines[-1]["position"], lines[-1]["differing"]) == ("done", 300, [])


async def test_a_rebuild_killed_outright_is_begun_anew(centre: Centre) -> None:
    """Killed while it folds, a rebuild leaves the ledger serving as before; the next one makes an end of it, and the
    ledger, which nobody started again, goes on in the new tables."""
    pages = chained(busy_centre(410), centre=centre.log.centre)
    await centre.append(pages[:400])
    async with centre.ledger() as ledger:
        await ledger.says("serving")
        assert (await ledger.balance("companies/-", 400)).position == 400
        before = await centre.digests()
        async with centre.ledger("--rebuild") as killed:
            assert killed.process.stdout is not None
            while json.loads(await killed.process.stdout.readline())["done"] == 0:
                pass
            killed.process.kill()
            await killed.ends()
        assert await centre.digests() == before
        async with centre.ledger("--rebuild") as rebuilding:
            assert await rebuilding.ends() == 0
        assert await centre.digests() == before
        await centre.append(pages[400:])
        assert (await ledger.balance("companies/-", 410)).position == 410


async def test_it_waits_for_a_log_that_is_not_made_yet(centre: Centre) -> None:
    """Started before its scheduler, it says that it waits, and follows once there is a log (P10)."""
    name = f"{centre.log.centre}-later"
    centre.environment["AIDC_CENTRE"] = name
    async with centre.ledger() as ledger:
        assert "does not exist" in (await ledger.says("following_delayed"))["error"]
        log = await JetStreamLog.connect(centre.environment["AIDC_NATS_URL"], name)
        for after, page in enumerate(chained(busy_centre(10), centre=name)):
            await log.append(page, after)
        await log.close()
        await ledger.says("serving")
        assert (await ledger.balance("companies/-", 10)).position == 10


async def test_of_two_processes_one_wins_and_one_says_why(centre: Centre) -> None:
    """Two ledgers on one database: one goes on, the other ends with status 1 and the reason."""
    pages = chained(busy_centre(400), centre=centre.log.centre)
    async with centre.ledger() as first, centre.ledger() as second:
        await asyncio.gather(first.says("serving"), second.says("serving"))
        ends = [asyncio.create_task(ledger.process.wait()) for ledger in (first, second)]
        await centre.append(pages)
        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        loser, winner = (first, second) if first.process.returncode is not None else (second, first)
        assert loser.process.returncode == 1
        assert "another ledger writes" in (await loser.says("service_failed"))["message"]
        assert (await winner.balance("companies/-", 400)).position == 400


async def test_settings_that_are_missing_are_all_named(centre: Centre) -> None:
    """One start is enough to learn everything that is wrong with the settings."""
    del centre.environment["AIDC_POSTGRES_DSN"], centre.environment["AIDC_KEYS"]
    async with centre.ledger() as ledger:
        problems = (await ledger.says("settings_wrong"))["problems"]
        assert {problem.split()[0] for problem in problems} == {"AIDC_POSTGRES_DSN", "AIDC_KEYS"}
        assert await ledger.ends() == 1


async def test_a_database_that_cannot_be_written_is_waited_for(centre: Centre) -> None:
    """While Postgres is away the ledger lives, says that it waits, and starts no crash loop (P10)."""
    centre.environment["AIDC_POSTGRES_DSN"] = "postgresql://aidc@127.0.0.1:9/none"
    async with centre.ledger() as ledger:
        assert await ledger.says("following_delayed")
        assert await ledger.says("following_delayed")
        assert ledger.process.returncode is None
        ledger.process.send_signal(signal.SIGTERM)
        assert await ledger.ends() == 0


async def test_nats_killed_and_started_again_is_caught_up_with(postgres_dsn: str, tmp_path: Path) -> None:
    """The log's server dies and comes back with more pages: the ledger follows on by itself (P10)."""
    async with NatsServer(tmp_path / "nats") as server:
        log = await JetStreamLog.connect(server.url, "ledger-outage")
        centre = Centre(log, server.url, postgres_dsn, tmp_path)
        pages = chained(busy_centre(60), centre=log.centre)
        async with centre.ledger() as ledger:
            await centre.append(pages[:30])
            await ledger.says("serving")
            assert (await ledger.balance("companies/-", 30)).position == 30
            server.kill()
            await server.exited()
            assert (await ledger.balance("companies/-", 30)).position == 30
            await server.start()
            await log.close()
            centre.log = await JetStreamLog.connect(server.url, "ledger-outage")
            await centre.append(pages[30:])
            assert (await ledger.balance("companies/-", 60)).position == 60
        await centre.log.close()


async def test_readers_cannot_write(postgres_dsn: str) -> None:
    """The connections that answer callers refuse to change anything."""
    writer, readers = await connect_writer(postgres_dsn), await connect_readers(postgres_dsn)
    async with readers.acquire() as connection:
        with pytest.raises(Exception, match="read-only"):
            await connection.execute("CREATE SCHEMA ledger")
    writer.terminate()
    readers.terminate()


async def test_a_key_that_others_can_read_stops_the_start(centre: Centre) -> None:
    """What signs checkpoints must be a secret: the process ends with status 1, and says what to do."""
    key = make_checkpoint_keys(centre.folder / "checkpoint", f"aidc/{centre.log.centre}")
    key.chmod(0o644)
    centre.environment["AIDC_CHECKPOINT_KEY"] = str(key)
    async with centre.ledger() as ledger:
        assert "chmod 600" in (await ledger.says("service_failed"))["message"]
        assert await ledger.ends() == 1


async def test_a_process_signs_what_it_folded(centre: Centre) -> None:
    """With a key and a folder, what it makes of the log stands there soon, signed; a file in its day."""
    checkpoints = centre.folder / "checkpoints"
    key = make_checkpoint_keys(centre.folder / "checkpoint", f"aidc/{centre.log.centre}")
    centre.environment |= {"AIDC_CHECKPOINT_KEY": str(key), "AIDC_CHECKPOINTS_DIR": str(checkpoints)}
    await centre.append(chained(busy_centre(20), centre=centre.log.centre))
    async with centre.ledger() as ledger:
        await ledger.says("serving")
        await ledger.balance("companies/-", 20)
    async with centre.ledger() as ledger:
        assert (await ledger.says("checkpoint_signed"))["position"] == 20
    (kept,) = read_folder(checkpoints, read_public_keys(key.with_name(PUBLIC)))
    assert (kept.position, kept.origin) == (20, f"aidc/{centre.log.centre}")
