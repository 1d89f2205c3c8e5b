"""`aidc audit verify` and `python -m services.audit`: what they say, and the exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.audit.keys import make_keys
from services.cli.main import run
from tests.audit.exports import ORIGIN, Notarised


@pytest.fixture
def export(small: Notarised, tmp_path: Path) -> Path:
    """An export in a file, with a checkpoint kept elsewhere."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "000000000003.txt").write_text(small.note(3))
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"".join(small.whole()))
    return path


def test_good_news_has_status_0(small: Notarised, export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was verified, up to where, when it was signed, and how many kept checkpoints agree."""
    key, kept = str(small.public_file), str(export.parent / "kept")
    assert run(["audit", "verify", str(export), "--key", key, "--checkpoints", kept]) == 0
    assert capsys.readouterr().out.strip() == (
        "Verified all 8 events of aidc/test-centre up to position 5, signed at 2026-03-02T12:00:00Z;"
        " 1 checkpoints kept elsewhere agree."
    )


def test_bad_news_has_status_1_and_a_position(
    small: Notarised, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first bad position, and what is wrong there, in one line."""
    export.write_bytes(export.read_bytes().replace(b"q1", b"q9"))
    assert run(["audit", "verify", str(export), "--key", str(small.public_file)]) == 1
    assert "not verified: position 3: this page was altered" in capsys.readouterr().err


def test_a_receipt_is_verified(small: Notarised, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which reservation was confirmed, and where that stands."""
    path = tmp_path / "receipt.json"
    path.write_bytes(small.receipt(3, "companies/CMP-0001/reservations/r1"))
    assert run(["audit", "verify", "--receipt", str(path), "--key", str(small.public_file)]) == 0
    assert "companies/CMP-0001/reservations/r1 was confirmed: it is event 4 of 8" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["file", "key", "checkpoints"])
def test_a_file_that_is_not_there_is_no_good_news(small: Notarised, export: Path, missing: str) -> None:
    """Nothing is verified that cannot be read."""
    given = {"file": str(export), "key": str(small.public_file), "checkpoints": str(export.parent / "kept")}
    given[missing] += ".none"
    arguments = [given["file"], "--key", given["key"], "--checkpoints", given["checkpoints"]]
    assert run(["audit", "verify", *arguments]) == 1


def test_the_verifier_runs_alone(small: Notarised, export: Path) -> None:
    """The same program without the command line, and without any service's code."""
    command = [sys.executable, "-X", "importtime", "-m", "services.audit", str(export), "--key", str(small.public_file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.startswith("Verified all 8 events")) == (0, True)
    assert {"grpc", "asyncpg", "nats", "services.ledger", "services.eventlog"}.isdisjoint(
        line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()
    )


def test_keys_are_made_once(tmp_path: Path) -> None:
    """A second call finds the pair; the private key is its owner's alone."""
    path = make_keys(tmp_path, ORIGIN)
    text = path.read_text()
    assert run(["audit", "keys", str(tmp_path), "--centre", "test-centre"]) == 0
    assert (path.read_text(), path.stat().st_mode & 0o777) == (text, 0o600)
