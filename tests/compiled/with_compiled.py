"""`make compiled-check`: what runs there is compiled, and it writes what the interpreted rules write."""

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from services.allocation import decide
from services.runtime.form import COMPILED, INTERPRETED, form_of
from tests.compiled.plan import PLAN

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", PLAN.modules())
def test_what_is_tested_is_compiled(file: str) -> None:
    """Every module of the list, imported as every test here imports it, is an extension, and defines no struct."""
    module = import_module(file.removesuffix(".py").replace("/", "."))
    own = [each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__]
    assert [each for each in own if isinstance(each, type) and issubclass(each, Struct)] == []
    assert (module.__file__ or "").endswith(tuple(EXTENSION_SUFFIXES))
    assert form_of(module) == COMPILED


def test_both_forms_write_the_same_log_to_the_byte() -> None:
    """Weeks of bookings, moves, endings and releases give the same pages, the same holdings and the same state."""
    compiled, interpreted = history(os.environ["PYTHONPATH"]), history(str(ROOT))
    assert (compiled.pop("rules"), interpreted.pop("rules")) == (COMPILED, INTERPRETED)
    assert form_of(decide) == COMPILED
    assert compiled["granted"] > 100
    assert compiled == interpreted


def history(path: str) -> dict[str, Any]:
    """What `tests.compiled.history` says with services from this path."""
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.compiled.history"], env=environment, capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told
