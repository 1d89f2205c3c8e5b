"""`aidc audit growth`, `export` and `receipt`: what a ledger proves, and what is made of a ledger that cannot."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.main import run
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from tests.audit.exports import Notarised
from tests.cli.fake_centre import FakeCentre, serve
from tests.ledger import naive_tree


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch, small: Notarised) -> Iterator[FakeCentre]:
    """A ledger that signs and proves what it should."""
    fake = FakeCentre()
    fake.answers["GetCheckpoint"] = lambda request: wire.Checkpoint(note=small.note())
    fake.answers["GetProof"] = lambda request: wire.Proof(hashes=path(small, request.sizes))
    fake.answers["ExportEvents"] = lambda request: [
        *(
            wire.ExportEventsResponse(page=wire.ExportedPage(position=position, data=page))
            for position, page in enumerate(small.pages, 1)
        ),
        wire.ExportEventsResponse(checkpoint=wire.Checkpoint(note=small.note())),
    ]
    with serve(fake) as address:
        monkeypatch.setenv("AIDC_SCHEDULER", address)
        monkeypatch.setenv("AIDC_LEDGER", address)
        monkeypatch.setenv("AIDC_TOKEN", "x.e30.x")  # The claims say no company.
        yield fake


def path(small: Notarised, sizes: wire.TreeSizes) -> list[bytes]:
    """The proof from one size to the other."""
    return naive_tree.consistency_path(sizes.first, [leaf.hash for leaf in small.leaves][: sizes.second])


def kept(small: Notarised, folder: Path, *positions: int) -> Path:
    """A folder with what was signed at some positions."""
    for position in positions:
        (folder / f"{position:012}.txt").write_text(small.note(position))
    return folder


def test_all_that_was_signed_is_in_what_is_signed_now(
    small: Notarised, centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kept checkpoint is proved to be a beginning of the log, by hashes that the ledger gives."""
    folder, key = kept(small, tmp_path, 2, 3, 5), str(small.public_file)
    assert run(["audit", "growth", str(folder), "--key", key]) == 0
    assert "begins with those of 3 kept checkpoints" in capsys.readouterr().out
    assert run(["audit", "growth", str(folder), "--key", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"earlier": [2, 3, 5], "position": 5, "events": 8}


@pytest.mark.parametrize("kind", ["altered", "cut short"])
def test_a_proof_that_is_none_is_found(
    small: Notarised, centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """A hash that was changed, or one too few, proves nothing."""

    def spoilt(request: wire.GetProofRequest) -> wire.Proof:
        hashes = path(small, request.sizes)
        return wire.Proof(hashes=[bytes(32), *hashes[1:]] if kind == "altered" else hashes[:-1])

    centre.answers["GetProof"] = spoilt
    assert run(["audit", "growth", str(kept(small, tmp_path, 3)), "--key", str(small.public_file)]) == 1
    assert "not proved" in capsys.readouterr().err


def test_a_log_that_lost_its_end_is_found(
    small: Notarised, centre: FakeCentre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ledger that signs fewer events than it did once is caught by what was kept."""
    centre.answers["GetCheckpoint"] = lambda request: wire.Checkpoint(note=small.note(2))
    assert run(["audit", "growth", str(kept(small, tmp_path, 5)), "--key", str(small.public_file)]) == 1
    assert "the ledger signs" in capsys.readouterr().err


def test_a_folder_without_checkpoints_proves_nothing(small: Notarised, centre: FakeCentre, tmp_path: Path) -> None:
    """No news is no good news."""
    assert run(["audit", "growth", str(tmp_path), "--key", str(small.public_file)]) == 1


def test_an_export_is_taken_and_verifies(small: Notarised, centre: FakeCentre, tmp_path: Path) -> None:
    """What the command writes is what the offline verifier reads."""
    file = tmp_path / "log.ndjson"
    assert run(["audit", "export", "--output", str(file)]) == 0
    assert run(["audit", "verify", str(file), "--key", str(small.public_file)]) == 0


def test_a_receipt_is_taken_and_verifies(small: Notarised, centre: FakeCentre, tmp_path: Path) -> None:
    """A booking becomes a file that proves it for ever."""
    leaf = small.leaves[3]
    centre.answers["GetProof"] = lambda request: wire.Proof(
        leaf=wire.Leaf(
            position=leaf.position,
            entry=leaf.entry,
            index=leaf.index,
            time_micros=leaf.time,
            request_hash=leaf.request,
            event=leaf.event,
        ),
        leaf_index=3,
        hashes=naive_tree.inclusion_path(3, [each.hash for each in small.leaves]),
        checkpoint=wire.Checkpoint(note=small.note()),
    )
    file, name = tmp_path / "receipt.json", "companies/CMP-0001/reservations/r1"
    assert run(["audit", "receipt", name, "--output", str(file)]) == 0
    assert run(["audit", "verify", "--receipt", str(file), "--key", str(small.public_file)]) == 0
