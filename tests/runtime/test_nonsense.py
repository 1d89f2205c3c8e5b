"""Nonsense in a setting ends a service at its start, by one line that says which setting it was."""

import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.agent.app import Settings as Agent
from services.board.app import Settings as Board
from services.ledger.app import Settings as Ledger
from services.ledger.archives.app import Settings as Archives
from services.ledger.rebuild_app import Settings as Rebuild
from services.metrics.app import Settings as Metrics
from services.runtime.embedded import Postgres
from services.runtime.keys import make_keys
from services.runtime.settings import SettingsError, load
from services.scheduler.app import Settings as Scheduler

SERVICES = {
    "scheduler": Scheduler,
    "ledger": Ledger,
    "metrics": Metrics,
    "board": Board,
    "agent": Agent,
    "rebuild": Rebuild,
    "archives": Archives,
}
START_SECONDS = 30
ADDRESSES = ("nonsense", ":1", "a:b:c", "http://x:1", "127.0.0.1:99999", "127.0.0.1:-1", "a b:1")
FILES = ("{missing}", "{folder}", "{garbage}")
NONSENSE = {
    "nats_url": ("nonsense", "http://x:1", "nats://", "nats://:@:1", "nats://127.0.0.1:99999", "nats://h:1/x"),
    "nats_monitor": ("nonsense", "ftp://x:1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:x", "http://x/y"),
    "nats_credentials": FILES,
    "nats_replicas": ("x", "0", "-3", "6", "1.5"),
    "centre": ("a b", "*", "a.b", "x/y", ">", "a" * 65),
    "postgres_dsn": ("nonsense", "http://x:1", "postgresql://127.0.0.1:99999/z", "postgresql://u:a#b@h/z"),
    "listen": ADDRESSES,
    "metrics_listen": ADDRESSES,
    "scheduler": ADDRESSES,
    "ledger": ADDRESSES,
    "reflection": ("yes", "2"),
    "tls_roots": FILES,
    "ready_file": ("{missing}", "{folder}"),
    "clock": ("nonsense", "file:{missing}", "file:{folder}", "file:{garbage}", "2026-03-03@1", "2026-03-03T09:00Z@0"),
    "clock_jump_seconds_max": ("x", "0", "-1", "nan", "inf"),
    "company_labels_max": ("x", "-1"),
    "node": ("a b", "*", "a>"),
    "interval_seconds": ("x", "0", "21", "nan"),
    "accelerators": ("x", "-1"),
    "seed": ("x", "1.5"),
}
"""What no setting of a name may be, whichever service reads it."""
JUDGED_LATER = {"keys", "tls_certificate", "tls_key", "checkpoint_key", "checkpoints_dir", "recorded", "record"}
"""Files that whoever uses them reads, and judges."""


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    """A file that is not there, a folder, and a file of nonsense."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "garbage").write_bytes(b"\xff\x00 nonsense\n")
    return {name: str(tmp_path / name) for name in ("folder", "garbage")} | {"missing": str(tmp_path / "no" / "such")}


def fields() -> Iterator[tuple[str, str]]:
    """Every setting of every service."""
    for service, settings in SERVICES.items():
        for field in dataclasses.fields(settings):
            if field.name not in JUDGED_LATER:
                yield service, field.name


@pytest.mark.parametrize(("service", "name"), list(fields()))
def test_nonsense_is_refused_by_the_name_of_the_setting(service: str, name: str, paths: dict[str, str]) -> None:
    """Each setting has its row here, and nothing of the row gets past the door."""
    for value in NONSENSE[name]:
        variable = f"AIDC_{name.upper()}"
        with pytest.raises(SettingsError) as refused:
            load(SERVICES[service], {variable: value.format(**paths)})
        assert any(problem.startswith(f"{variable} ") for problem in refused.value.problems), value


def test_a_value_that_comes_from_a_file_is_named_with_it(paths: dict[str, str]) -> None:
    """The file that is not there, is a folder or is no text, and not one byte of it."""
    for path in paths.values():
        with pytest.raises(SettingsError) as refused:
            load(Ledger, {"AIDC_POSTGRES_DSN_FILE": path})
        (problem,) = [each for each in refused.value.problems if each.startswith("AIDC_POSTGRES_DSN")]
        assert "cannot be read" in problem or problem == "AIDC_POSTGRES_DSN_FILE names a file that is no text"


LATER = (
    ("ledger", {"AIDC_POSTGRES_DSN": "{dsn}?sslmode=requir"}, "`sslmode` parameter must be one of"),
    ("ledger", {"AIDC_POSTGRES_DSN": "{dsn}?sslmode=verify-full&sslrootcert={missing}"}, "sslrootcert={missing}"),
    ("ledger", {"AIDC_POSTGRES_DSN": "{dsn}?sslmode=verify-full&sslrootcert={garbage}"}, "no certificate or key"),
    ("ledger", {"AIDC_POSTGRES_DSN": "{dsn}?sslmoode=require"}, 'configuration parameter "sslmoode"'),
    ("ledger", {"AIDC_CHECKPOINT_KEY": "{missing}"}, "{missing}"),
    ("ledger", {"AIDC_KEYS": "{garbage}"}, "{garbage} is not a readable key set"),
    ("scheduler", {"AIDC_KEYS": "{missing}"}, "{missing}"),
    ("scheduler", {"AIDC_TLS_CERTIFICATE": "{garbage}", "AIDC_TLS_KEY": "{garbage}"}, "{garbage}"),
    ("scheduler", {"AIDC_METRICS_LISTEN": "no.such.host.invalid:1"}, "no.such.host.invalid:1"),
    ("metrics", {"AIDC_METRICS_LISTEN": "192.0.2.1:80"}, "cannot listen on 192.0.2.1:80"),
    ("board", {"AIDC_TLS_ROOTS": "{missing}"}, "AIDC_TLS_ROOTS names {missing}, which cannot be read"),
    ("board", {"AIDC_LISTEN": "no.such.host.invalid:1"}, "Name or service not known"),
    ("agent", {"AIDC_RECORDED": "{missing}"}, "cannot read {missing}"),
)
"""Service, settings, and what its only line of an error says."""


async def test_a_service_ends_with_one_line_that_says_what_is_wrong(
    nats_url: str, postgres: Postgres, tmp_path: Path, paths: dict[str, str]
) -> None:
    """Where all else is well: exit status 1 at once, no traceback, no password, and nothing tried for ever."""
    named = {**paths, "dsn": postgres.dsn}
    common = {
        "PATH": os.environ["PATH"],
        "AIDC_NATS_URL": nats_url,
        "AIDC_CENTRE": "nonsense",
        "AIDC_KEYS": str(make_keys(tmp_path / "keys")),
        "AIDC_POSTGRES_DSN": postgres.dsn,
        **{f"AIDC_{name}": "127.0.0.1:1" for name in ("SCHEDULER", "LEDGER")},
        **{f"AIDC_{name}": "127.0.0.1:0" for name in ("LISTEN", "METRICS_LISTEN")},
    }
    turns = asyncio.Semaphore(3)

    async def ends(service: str, told: dict[str, str], says: str) -> None:
        environment = common | {name: value.format(**named) for name, value in told.items()}
        async with turns:
            errors, code = await ended(service, environment)
        assert (code, len(errors)) == (1, 1), (service, told, errors)
        said = json.dumps(errors[0], ensure_ascii=False).replace("\\", "")
        assert says.format(**named) in said, (service, told, said)
        assert "trace" not in errors[0]
        assert postgres.dsn not in said

    async with asyncio.TaskGroup() as group:
        for row in LATER:
            group.create_task(ends(*row))


async def ended(service: str, environment: dict[str, str]) -> tuple[list[dict[str, Any]], int | None]:
    """The errors in the log of a service that ends, and its exit status."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}.app"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    lines = [json.loads(line) for line in said.decode().splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == "error"], process.returncode
