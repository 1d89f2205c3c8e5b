"""Generates services/generated/ from protos/, or checks that what is committed is what would be generated."""

import filecmp
import os
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "services" / "generated" / "aidc"


def generate(target: Path) -> None:
    """Write the Python modules and their type stubs under `target/services/generated/`."""
    target.mkdir(parents=True, exist_ok=True)
    protos = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    # The path mapping makes the generated imports read `from services.generated…`, with nothing to patch.
    arguments = [
        "protoc",
        f"-Iservices/generated={ROOT / 'protos'}",
        f"-I{files('grpc_tools') / '_proto'}",
        f"--python_out={target}",
        f"--grpc_python_out={target}",
        f"--mypy_out={target}",
        *(f"services/generated/{proto}" for proto in protos),
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit("protoc failed")
    for folder in [path for path in (target / "services" / "generated" / "aidc").rglob("*") if path.is_dir()]:
        (folder / "__init__.py").touch()
    (target / "services" / "generated" / "aidc" / "__init__.py").touch()


def differences(left: Path, right: Path) -> list[str]:
    """Files that differ between two trees, or stand in one alone."""
    names = {
        str(path.relative_to(tree))
        for tree in (left, right)
        for path in tree.rglob("*")
        if path.suffix in (".py", ".pyi")
    }
    return sorted(
        name
        for name in names
        if not ((left / name).is_file() and (right / name).is_file())
        or not filecmp.cmp(left / name, right / name, shallow=False)
    )


def main() -> None:
    # The mypy plug-in stands beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = Path(folder) / "services" / "generated" / "aidc"
        if "--write" in sys.argv:
            shutil.rmtree(COMMITTED, ignore_errors=True)
            shutil.copytree(fresh, COMMITTED)
            return
        stale = differences(COMMITTED, fresh)
        if stale:
            raise SystemExit(f"services/generated is not what protos/ says; run `make protos`: {', '.join(stale)}")
        print("services/generated is what protos/ says")


if __name__ == "__main__":
    main()
