"""Builds aidc. What it is stands in pyproject.toml; this file only compiles the hot modules, where that is asked for.

Plain builds and installations stay pure Python and need no compiler. With AIDC_COMPILED=1 the modules of COMPILED
become C extensions, made by mypyc from the very same sources: `make compiled` and `make wheel` ask for that.
"""

import ast
import importlib.util
import io
import os
import shutil
import sys
import sysconfig
from contextlib import redirect_stdout
from pathlib import Path

from setuptools import setup

COMPILED = (
    "services/allocation",
    "services/runtime/validation.py",
    "services/scheduler/batch.py",
    "services/scheduler/booking.py",
    "services/scheduler/group_commit.py",
    "services/scheduler/wire/fields.py",
    "services/scheduler/wire/plain.py",
    "services/scheduler/wire/replies.py",
    "services/scheduler/wire/requests.py",
    "services/scheduler/writer.py",
)
"""The rules, and what every booking passes from the door to the page. The rest would gain nothing: a replay and the
folds of ledger and metrics spend their time on structs, which the interpreter reads as fast as C does."""


def modules() -> list[str]:
    """The files that are compiled, in order.

    A module that defines a msgspec struct is left out: mypyc drops what a class statement says beside its bases
    (`class Line(Struct, frozen=True)`) without a word. Reading such values from compiled code is fast all the same.
    """
    chosen = [file for place in COMPILED for file in _python(Path(place))]
    return sorted(str(file) for file in chosen if file.name != "__init__.py" and not structs(file))


def structs(file: Path) -> list[str]:
    """The classes of a module that mypyc would make something else of: structs, and whatever has keywords."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and (node.keywords or "Struct" in map(ast.unparse, node.bases))
    ]


def _python(place: Path) -> list[Path]:
    return [place] if place.suffix else list(place.rglob("*.py"))


def demand_compiler() -> None:
    """Ends the build with one line that says what is missing, if anything is."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    missing = [
        *([] if shutil.which(compiler) else [f"the C compiler {compiler}"]),
        *([] if Path(sysconfig.get_path("include"), "Python.h").exists() else ["Python.h (python3-dev)"]),
        *([] if importlib.util.find_spec("mypyc") else ["mypyc (pip install mypy)"]),
    ]
    if missing:
        sys.exit(f"aidc cannot be compiled here: it takes {' and '.join(missing)}. Interpreted, it runs all the same.")


def extensions() -> list[object]:
    """The compiled modules, if they are asked for."""
    if os.environ.get("AIDC_COMPILED") != "1":
        return []
    demand_compiler()
    from mypyc.build import mypycify

    said = io.StringIO()
    try:
        with redirect_stdout(said):
            # No line numbers of C: those of Python are kept, and half of the compiler's time is saved.
            return list(mypycify(modules(), opt_level="2", debug_level="0", multi_file=True, target_dir="build/c"))
    except SystemExit:
        # Only then is it of interest: its advice on speed would hide it.
        sys.stderr.write(said.getvalue())
        raise


if __name__ == "__main__":
    setup(ext_modules=extensions())
