"""Service 2, the ledger: remembers and accounts.

`python -m services.ledger.app` follows the log and answers; with `--rebuild` it makes a new generation of the tables
beside the one that lives, exchanges them, and ends (`rebuild_app`); `--archive` and `--restore` move a month out and
back (`archives.app`).
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time

import asyncpg
import grpc
import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from services.allocation import life
from services.eventlog import Witness
from services.eventlog.connection import Connection
from services.eventlog.jetstream import JetStreamLog
from services.eventlog.witness import JetStreamWitness
from services.ledger import rebuild_app
from services.ledger.agreement import Agreement
from services.ledger.archives import app as archives_app
from services.ledger.database import connect_readers, connect_writer, demand_usable
from services.ledger.database_health import DatabaseHealth
from services.ledger.following import Follower
from services.ledger.grpc_api import SERVICE, methods
from services.ledger.journal import Journal
from services.ledger.officers import officers_of
from services.ledger.progress import Progress
from services.ledger.proving.notary import Notary
from services.ledger.proving.notes import Signer
from services.ledger.proving.proof_api import ProofApi
from services.ledger.proving.proofs import Prover
from services.ledger.reporting.books_api import BooksApi
from services.ledger.reporting.year_api import YearApi
from services.ledger.telemetry import LedgerTelemetry
from services.runtime import garbage, lifecycle, logs
from services.runtime.doors import Doors
from services.runtime.form import form_of
from services.runtime.health import Health
from services.runtime.http_server import HttpServer
from services.runtime.identity import TokenVerifier
from services.runtime.lifecycle import Stop
from services.runtime.nats_credentials import Credentials
from services.runtime.server import GrpcServer
from services.runtime.settings import (
    Address,
    Centre,
    Dsn,
    NatsUrl,
    NewFile,
    Replicas,
    SettingsError,
    WebUrl,
    load,
)
from services.runtime.telemetry import DoorTelemetry
from services.runtime.tls import Tls

LISTEN, METRICS_LISTEN = Address("127.0.0.1", 7602), Address("127.0.0.1", 7612)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the ledger is told at its start, by AIDC_ variables."""

    nats_url: NatsUrl
    postgres_dsn: Dsn
    keys: Path
    centre: Centre = "mudeung-ai"
    nats_monitor: WebUrl | None = None
    nats_credentials: Credentials | None = None
    nats_replicas: Replicas = 1
    listen: Address = LISTEN
    metrics_listen: Address = METRICS_LISTEN
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    reflection: bool = False
    checkpoint_key: Path | None = None
    checkpoints_dir: Path | None = None
    ready_file: NewFile | None = None


async def run(settings: Settings, stop: Stop) -> None:
    """Follow and answer until told to stop. Raises what a wrong setting, or another ledger, makes of it."""
    registry, health, progress = CollectorRegistry(), Health([SERVICE.full_name]), Progress(monotonic)
    ProcessCollector(registry=registry)
    telemetry = LedgerTelemetry(registry)
    await demand_usable(settings.postgres_dsn)
    async with _pools(settings) as (writer, readers), lifecycle.background() as background:
        doors = Doors(
            verifier=TokenVerifier(settings.keys), telemetry=DoorTelemetry(registry), acts_for=officers_of(readers)
        )
        telemetry.watch(progress, [writer, readers])
        statistics = DatabaseHealth(readers, monotonic)
        registry.register(statistics)
        journal = Journal(writer)
        notary = _notary(settings, writer, readers)
        prover = Prover(readers, notary) if notary else None
        follower = Follower(lambda: _connect(settings), settings.centre, journal, progress, telemetry, health)
        agreement = Agreement(lambda: _hear(settings), readers, progress, telemetry)
        server = GrpcServer(
            listen=settings.listen,
            doors=doors,
            methods=[_methods(doors, readers, progress, prover)],
            health=health,
            background=background,
            tls=Tls.of(settings.tls_certificate, settings.tls_key),
            reflection=[SERVICE.full_name] if settings.reflection else [],
        )
        async with HttpServer(listen=settings.metrics_listen, registry=registry, health=health) as http, server:
            background.start(follower.run(), name="follower")
            background.start(agreement.run(), name="agreement")
            background.start(statistics.keep_reading(progress), name="statistics")
            if notary:
                background.start(notary.run(progress, follower.halt), name="notary")
            background.start(_announce(settings, progress, server, http), name="announcement")
            await stop.wait()


def _methods(doors: Doors, readers: asyncpg.Pool, progress: Progress, prover: Prover | None) -> grpc.GenericRpcHandler:
    """The service, answered from these readers' connections."""
    return methods(doors, BooksApi(readers, progress), YearApi(readers, progress), ProofApi(readers, progress, prover))


async def _connect(settings: Settings) -> JetStreamLog:
    return await JetStreamLog.connect(
        settings.nats_url,
        settings.centre,
        credentials=settings.nats_credentials,
        replicas=settings.nats_replicas,
        monitor_url=settings.nats_monitor,
        create=False,  # The scheduler makes the log; this service only reads.
    )


async def _hear(settings: Settings) -> Witness:
    """Where the scheduler says what it holds."""
    connection = await Connection.open(settings.nats_url, name="aidc-ledger", credentials=settings.nats_credentials)
    return JetStreamWitness(connection, settings.centre)


@asynccontextmanager
async def _pools(settings: Settings) -> AsyncIterator[tuple[asyncpg.Pool, asyncpg.Pool]]:
    """The writer's connection and the readers' connections, closed at the end."""
    writer, readers = await connect_writer(settings.postgres_dsn), await connect_readers(settings.postgres_dsn)
    try:
        yield writer, readers
    finally:
        # At once: what is not committed is folded again, and a Postgres that does not answer must not hold us up.
        writer.terminate()
        readers.terminate()


async def _announce(settings: Settings, progress: Progress, server: GrpcServer, http: HttpServer) -> None:
    """Say where the ledger is reached, once it has opened its books."""
    await progress.opened.wait()
    if settings.ready_file is not None:
        lifecycle.announce(settings.ready_file, {"grpc": str(server.address), "http": str(http.address)})
    _log.info(
        "serving", grpc=str(server.address), http=str(http.address), position=progress.position, rules=form_of(life)
    )


def _notary(settings: Settings, writer: asyncpg.Pool, readers: asyncpg.Pool) -> Notary | None:
    """Who signs checkpoints, if there is a key. Raises `KeyFault`."""
    if settings.checkpoint_key is None:
        _log.warning("checkpoints_not_signed", reason="AIDC_CHECKPOINT_KEY names no key")
        return None
    signer = Signer.read(settings.checkpoint_key, f"aidc/{settings.centre}")
    return Notary(signer, settings.checkpoints_dir, writer, readers, time)


def main() -> None:
    """Run the ledger until it is told to stop; exit 0 then, and 1 otherwise."""
    logs.configure("ledger")
    garbage.tune()
    if any(flag in sys.argv for flag in archives_app.FLAGS):
        sys.exit(archives_app.main(sys.argv[1:]))
    if rebuild_app.FLAG in sys.argv:
        sys.exit(rebuild_app.main(sys.argv[1:]))
    try:
        settings = load(Settings, os.environ)
    except SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        sys.exit(1)
    sys.exit(lifecycle.run(lambda stop: run(settings, stop)))


if __name__ == "__main__":
    main()
