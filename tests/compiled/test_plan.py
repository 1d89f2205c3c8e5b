"""What is compiled, and that nobody needs a compiler who does not ask for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compiled.plan import PLAN

ROOT = Path(__file__).parents[2]


def build(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Builds into a folder of the test."""
    folders = ("--build-base", str(tmp_path / "temp"), "--build-lib", str(tmp_path / "tree"))
    told = {name: value for name, value in os.environ.items() if name not in ("AIDC_COMPILED", "CC")} | environment
    return subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build", *folders], cwd=ROOT, env=told, capture_output=True, text=True
    )


def test_every_place_of_the_plan_is_there() -> None:
    """The plan names no room or module that is gone, and compiles something of each."""
    chosen = PLAN.modules()
    assert len(chosen) == len(set(chosen)) > 50
    assert [place for place in PLAN.COMPILED if not any(file.startswith(place) for file in chosen)] == []


def test_no_struct_is_compiled() -> None:
    """What mypyc would make something else of, without a word: such a struct would no longer be frozen."""
    assert "Reservation" in PLAN.structs(ROOT / "services/allocation/reservations.py")
    assert PLAN.structs(ROOT / "services/allocation/tables/period.py") == ["Period"]
    assert "services/allocation/reservations.py" not in PLAN.modules()
    assert "services/allocation/decide.py" in PLAN.modules()


def test_without_a_compiler_the_build_says_so_in_one_line(tmp_path: Path) -> None:
    """Whoever asks for a compiled build where none can be made is told what is missing, and that it is not needed."""
    done = build(tmp_path, AIDC_COMPILED="1", CC="no-such-compiler")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the C compiler no-such-compiler" in done.stderr


def test_a_plain_build_needs_no_compiler(tmp_path: Path) -> None:
    """Whoever does not ask gets the sources, and nothing else."""
    done = build(tmp_path, CC="no-such-compiler")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tree/services/allocation/decide.py").exists()
    assert not list((tmp_path / "tree").rglob("*.so"))


@pytest.mark.parametrize("place", PLAN.COMPILED)
def test_nothing_compiled_lies_beside_the_sources(place: str) -> None:
    """A stale extension beside an edited source would be imported in its stead."""
    folder = ROOT / place
    assert not list((folder if folder.is_dir() else folder.parent).rglob("*.so"))
