"""The documents' commands, run as they are written and in their order, against the whole centre of the catalogue."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "commands.md")
CLOCK = "2026-09-07T09:00:00+09:00@1"
"""A Monday on which the agreements of the documents' companies are in force."""
STOP_SECONDS_MAX = 30.0
ENDLESS = ("watch", "top")
"""They go on until somebody ends them."""
PRINTED = {
    "NAME": re.compile(r"companies/CMP-\d{4}/reservations/[0-9a-f]{16}"),
    "SERIES": re.compile(r"companies/CMP-\d{4}/series/[0-9a-f]{16}"),
    "TIME": re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}"),
}
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`make run` in another terminal, and a file of wishes, in the folder where the commands are typed."""
    monkeypatch.chdir(tmp_path)
    wish = {"lines": ["a100-dev:2gpu"], "start": "+6h", "duration": "2h"}
    (tmp_path / "wishes.ndjson").write_text(json.dumps(wish))
    up = subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", "up", "--data", "data", "--clock", CLOCK, "--json"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert up.stdout is not None
        assert up.stdout.readline(), "the centre does not start"
        yield
    finally:
        up.send_signal(signal.SIGTERM)
        up.communicate(timeout=STOP_SECONDS_MAX)


def commands() -> Iterator[tuple[str, list[str], int]]:
    """Each command of the documents, who asks, and the exit status that it says it has."""
    for document in DOCUMENTS:
        caller = ""
        for block in re.findall(r"^```sh\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                typed = shlex.split(line, comments=True)
                if typed[:1] == ["export"]:
                    caller = typed[1].removeprefix("AIDC_AS=")
                elif typed[:1] == ["aidc"]:
                    yield caller, typed[1:], 2 if "exit status 2" in line else 0


def test_every_command_works_as_it_is_written(
    running: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A newcomer who types the documents from their tops to their ends gets what they say."""
    last: dict[str, str] = {}
    seen = 0
    for caller, typed, status in commands():
        if typed[0] in ENDLESS:
            continue
        monkeypatch.setenv("AIDC_AS", caller)
        filled = [last.get(word, word) for word in typed]
        assert not set(filled) & PRINTED.keys(), f"nothing printed what is meant by {typed}"
        ended = main.run(filled)
        told = capfd.readouterr()
        assert ended == status, (filled, ended, told.out + told.err)
        last |= {word: found[0] for word, form in PRINTED.items() if (found := form.findall(told.out))}
        seen += 1
    assert seen > 55
    example = [sys.executable, str(ROOT / "examples" / "python" / "book.py"), "data", "CMP-0014"]
    ended = subprocess.run(example, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "is durable at position" in ended.stdout
