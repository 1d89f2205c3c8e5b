"""`aidc-ledger --rebuild`: make a new generation of the tables beside the one that lives, and exchange them.

It tells its progress on stdout, a JSON object a line: `phase` is folding or comparing with `done` of `end`, and at last
done, with the digest of every table. `--even-if-different` exchanges even if the living tables are not the fold.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass

import msgspec
import structlog

from services.eventlog.jetstream import JetStreamLog
from services.ledger.rebuild import Rebuilt, Report, rebuild
from services.runtime import lifecycle
from services.runtime.lifecycle import Stop
from services.runtime.nats_credentials import Credentials
from services.runtime.settings import Centre, Dsn, NatsUrl, Replicas, SettingsError, WebUrl, load

FLAG = "--rebuild"

_log = structlog.get_logger()


class Interrupted(Exception):
    """Somebody ended the rebuild."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a rebuild is told, by the same AIDC_ variables as the ledger."""

    nats_url: NatsUrl
    postgres_dsn: Dsn
    centre: Centre = "mudeung-ai"
    nats_monitor: WebUrl | None = None
    nats_credentials: Credentials | None = None
    nats_replicas: Replicas = 1


def main(arguments: list[str]) -> int:
    """Rebuild; give the exit status."""
    parser = argparse.ArgumentParser(prog="aidc-ledger", description="Fold the log anew, compare, and exchange.")
    parser.add_argument(FLAG, action="store_true", required=True, help="do so, instead of serving")
    parser.add_argument("--even-if-different", action="store_true", help="exchange tables that are not the fold")
    told = parser.parse_args(arguments)
    try:
        settings = load(Settings, os.environ)
    except SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        return 1
    return lifecycle.run(lambda stop: run(settings, told.even_if_different, stop))


async def run(settings: Settings, even_if_different: bool, stop: Stop) -> None:
    """Rebuild, and tell. A signal ends it at once: the living generation is not touched before the exchange."""
    log = await JetStreamLog.connect(
        settings.nats_url,
        settings.centre,
        credentials=settings.nats_credentials,
        replicas=settings.nats_replicas,
        monitor_url=settings.nats_monitor,
        create=False,
    )
    dsn = settings.postgres_dsn
    work = asyncio.ensure_future(
        rebuild(log, settings.centre, dsn, report=_tell, even_if_different=even_if_different),
    )
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Interrupted(f"ended by {stop.reason}: the living tables are as they were")
        _done(work.result())
    finally:
        for task in (work, stopping):
            task.cancel()
        await asyncio.gather(work, stopping, return_exceptions=True)
        await log.close()


def _tell(report: Report) -> None:
    _write(msgspec.to_builtins(report))


def _done(rebuilt: Rebuilt) -> None:
    _write({"phase": "done", **msgspec.to_builtins(rebuilt)})


def _write(content: object) -> None:
    sys.stdout.write(msgspec.json.encode(content).decode() + "\n")
    sys.stdout.flush()
