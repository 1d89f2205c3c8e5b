"""`aidc agent` as its user meets it: a look that needs nothing, and plain words for what is wrong."""

import json
from pathlib import Path

import pynvml
import pytest

from services.cli import main
from tests.agent.stand_in import Accelerator, Library, installed


def test_one_look_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Every accelerator and the processor, with how busy it was and how full; NATS is not asked."""
    assert main.run(["agent", "--once", "--seed", "3", "--accelerators", "2", "--node", "n-1", "--interval", "1"]) == 0
    said = capsys.readouterr().out
    assert said.count("accelerator") == 2
    assert "processor" in said
    assert "by recorded" in said


def test_one_look_for_programs_is_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json each node is the message that would be sent; this machine's processor is really read."""
    assert main.run(["agent", "--once", "--accelerators", "0", "--node", "n-1", "--interval", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["node"], report["source"]) == ("n-1", "host")
    assert 0 <= report["host_memory"] <= 1_000


def test_one_look_can_be_kept_and_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A look at one machine is a trace on another: the same figures come out."""
    trace = str(tmp_path / "trace")
    first = ["agent", "--once", "--seed", "3", "--accelerators", "2", "--node", "n-1", "--interval", "1", "--json"]
    assert main.run([*first, "--record", trace]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert main.run(["agent", "--once", "--recorded", trace, "--interval", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accelerators"] == seen["accelerators"]
    assert main.run([*first, "--record", str(tmp_path / "nowhere" / "trace")]) == 1
    assert "cannot write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "1", "--recorded", "x"], "two traces"),
        (["--node", "a b", "--once"], "no name of a node"),
        (["--interval", "60", "--once"], "is not from 1 to 20 seconds"),
        (["--recorded", "nowhere", "--once"], "cannot read nowhere"),
        (["--seed", "1", "--data", "nowhere"], "no centre runs on nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Exit status 1, and what to do about it."""
    assert main.run(["agent", *arguments]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--once"], ["--once", "--accelerators", "8"]])
def test_a_machine_without_the_driver_is_told_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Where accelerators are looked for and there is no driver, one line says why and what to do; exit status 1."""
    installed(Library(refuses=pynvml.NVMLError_LibraryNotFound), monkeypatch)
    assert main.run(["agent", *arguments]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    [line] = told.err.splitlines()
    assert line.startswith("aidc: NVIDIA's driver cannot be read: NVML Shared Library Not Found. On a node without")


def test_accelerators_that_are_missing_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that should have eight and has two is not reported as if it had two."""
    installed(Library(Accelerator(), Accelerator()), monkeypatch)
    assert main.run(["agent", "--once", "--accelerators", "8"]) == 1
    assert "8 accelerators are expected and 2 are there" in capsys.readouterr().err


def test_a_look_at_a_machine_tells_each_accelerator(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Busy and full in per cent, and `unknown` for the one that the driver cannot tell of."""
    installed(Library(Accelerator(utilisation=40, used=60), Accelerator(cut=True)), monkeypatch)
    assert main.run(["agent", "--once", "--node", "n-1", "--interval", "1"]) == 0
    shown = capsys.readouterr().out
    assert "40.0 %" in shown
    assert "50.0 %" in shown
    assert "unknown" in shown
    assert "by nvml" in shown


def test_the_address_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password need not stand in the environment; without any address the folder of `aidc up` is asked."""
    from services.cli.agent import nats_url

    secret = tmp_path / "nats-url"
    secret.write_text("nats://agent:secret@127.0.0.1:4222\n")
    monkeypatch.setenv("AIDC_NATS_URL_FILE", str(secret))
    assert nats_url(None) == "nats://agent:secret@127.0.0.1:4222"
    (tmp_path / "endpoints.json").write_text(json.dumps({"nats": "nats://here"}))
    assert nats_url(tmp_path) == "nats://here"
