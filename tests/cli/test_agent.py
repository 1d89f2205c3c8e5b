"""`aidc agent` as its user meets it: a look that needs nothing, and plain words for what is wrong."""

import json
from pathlib import Path

import pytest

from services.cli import main


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


def test_the_address_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password need not stand in the environment; without any address the folder of `aidc up` is asked."""
    from services.cli.agent import nats_url

    secret = tmp_path / "nats-url"
    secret.write_text("nats://agent:secret@127.0.0.1:4222\n")
    monkeypatch.setenv("AIDC_NATS_URL_FILE", str(secret))
    assert nats_url(None) == "nats://agent:secret@127.0.0.1:4222"
    (tmp_path / "endpoints.json").write_text(json.dumps({"nats": "nats://here"}))
    assert nats_url(tmp_path) == "nats://here"
