"""`aidc-ledger --archive MONTH FOLDER [--detach]` and `--restore FOLDER`: a month out to files, and back.

What was done is told on stdout, as one JSON object. The ledger goes on following and answering meanwhile.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec
import structlog
from msgspec import Struct

from services.ledger.archives.exchange import demand_same, detach, restore
from services.ledger.archives.form import FILES, Run
from services.ledger.archives.reading import Archive
from services.ledger.archives.writing import Refused, put_in_place, run_of, write
from services.ledger.database import connect_readers, connect_writer
from services.ledger.proving.notes import Signer
from services.ledger.reading import snapshot
from services.runtime import lifecycle
from services.runtime.lifecycle import Stop
from services.runtime.settings import Centre, Dsn, SettingsError, load

FLAGS = ("--archive", "--restore")
READ_SECONDS_MAX = 3600

_log = structlog.get_logger()


class Interrupted(Exception):
    """Somebody ended it. The message says what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What it is told, by the same AIDC_ variables as the ledger."""

    postgres_dsn: Dsn
    centre: Centre = "mudeung-ai"
    checkpoint_key: Path | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What was done: `detached` says whether the month has left the tables."""

    month: str
    folder: str
    pages: int
    events: int
    bytes: int
    detached: bool


def main(arguments: list[str]) -> int:
    """Do it; give the exit status."""
    parser = argparse.ArgumentParser(prog="aidc-ledger", description="Archive a closed month, or bring one back.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--archive", nargs=2, metavar=("MONTH", "FOLDER"), help="write a month, and read it back")
    what.add_argument("--restore", type=Path, metavar="FOLDER", help="put a month back into the tables")
    parser.add_argument("--detach", action="store_true", help="then let the month leave the tables")
    told = parser.parse_args(arguments)
    try:
        settings = load(Settings, os.environ)
    except SettingsError as error:
        _log.error("settings_wrong", problems=error.problems)
        return 1
    return lifecycle.run(lambda stop: run(settings, told, stop))


async def run(settings: Settings, told: argparse.Namespace, stop: Stop) -> None:
    """Do it, and tell. A signal ends it: the tables are as they were, and a folder is not there before it is whole."""
    work = asyncio.ensure_future(_work(settings, told))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Interrupted(f"ended by {stop.reason}: the tables are as they were")
        sys.stdout.write(msgspec.json.encode(work.result()).decode() + "\n")
        sys.stdout.flush()
    finally:
        for task in (work, stopping):
            task.cancel()
        await asyncio.gather(work, stopping, return_exceptions=True)


async def _work(settings: Settings, told: argparse.Namespace) -> Done:
    owner = await connect_writer(settings.postgres_dsn)
    readers = await connect_readers(settings.postgres_dsn, seconds_max=READ_SECONDS_MAX)
    try:
        if told.restore:
            return done(await restore(owner, readers, told.restore), told.restore, detached=False)
        if settings.checkpoint_key is None:
            raise Refused("an archive is signed: AIDC_CHECKPOINT_KEY names no key")
        month, folder = told.archive[0], Path(told.archive[1])
        signer = Signer.read(settings.checkpoint_key, f"aidc/{settings.centre}")
        return await archive(owner, readers, signer, month, folder, and_detach=told.detach)
    finally:
        owner.terminate()
        readers.terminate()


async def archive(
    owner: asyncpg.Pool, readers: asyncpg.Pool, signer: Signer, month: str, folder: Path, *, and_detach: bool
) -> Done:
    """Write a month and read it back, or read back what was written before; then detach it if that is asked for.

    Raises `Refused`, `ArchiveFault`, `OSError`, or `LockNotAvailableError` if somebody reads for too long.
    """
    async with snapshot(readers) as connection:
        month_run = await run_of(connection, month)
    there = await asyncio.to_thread(folder.exists)
    if there and not and_detach:
        raise Refused(f"{folder} is there already: name another folder, or say --detach if it holds {month}")
    fresh = folder if there else folder.with_name(f"{folder.name}.fresh")
    if not there:
        await write(readers, signer, month_run, fresh)
    written = await asyncio.to_thread(Archive, fresh)
    if written.manifest.run != month_run or written.manifest.origin != signer.origin:
        raise Refused(f"{folder} holds {written.manifest.run.name} of {written.manifest.origin}, not this {month}")
    async with snapshot(readers) as connection:
        await demand_same(connection, written)
    if not there:
        await asyncio.to_thread(put_in_place, fresh, folder)
        written.folder = folder
    if and_detach:
        await detach(owner, written)
    return done(month_run, folder, detached=and_detach)


def done(month_run: Run, folder: Path, *, detached: bool) -> Done:
    """What to tell."""
    return Done(
        month=month_run.name,
        folder=str(folder.absolute()),
        pages=month_run.last_position - month_run.first_position + 1,
        events=month_run.last_number - month_run.first_number + 1,
        bytes=sum((folder / name).stat().st_size for name in FILES),
        detached=detached,
    )
