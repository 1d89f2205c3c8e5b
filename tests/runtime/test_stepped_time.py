"""Time that another process moves: both see the same, and it never runs backwards."""

from pathlib import Path

import pytest

from services.runtime.stepped_time import SteppedTime


def test_two_processes_share_the_time(tmp_path: Path) -> None:
    """What one of them shows the other sees, and how far that one has lived the first hears."""
    moved = SteppedTime.create(tmp_path / "clock", 1_000)
    lived = SteppedTime(tmp_path / "clock")
    assert (lived.shown, moved.lived) == (1_000, 0)
    moved.show(2**50 + 1)
    assert lived.shown == 2**50 + 1
    lived.live(2**50)
    assert moved.lived == 2**50


def test_time_never_runs_backwards(tmp_path: Path) -> None:
    """Showing an earlier moment changes nothing."""
    time = SteppedTime.create(tmp_path / "clock", 1_000)
    time.show(999)
    assert time.shown == 1_000


@pytest.mark.parametrize("content", [b"", b"2026-03-03", bytes(24)])
def test_a_file_that_is_no_clock_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever else it holds is not taken for a time."""
    (tmp_path / "clock").write_bytes(content)
    with pytest.raises(ValueError):
        SteppedTime(tmp_path / "clock")
