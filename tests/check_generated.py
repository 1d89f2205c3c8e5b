"""Generates services/generated/ from protos/, or checks that what is committed is what would be generated.

What was published stays: `protos/published.binpb` is the API as it was when it was last generated, and a proto that
breaks a client of that is refused, here and in `make check`.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "services" / "generated" / "aidc"
PUBLISHED = ROOT / "protos" / "published.binpb"


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


def demand_additive() -> None:
    """Refuse protos that break a client of the published ones: what is there stays, and means what it meant."""
    if buf("breaking", "--against", str(PUBLISHED)) != 0:
        raise SystemExit("protos/ breaks what was published; add beside it instead: docs/api.md tells how")


def publish(target: Path) -> None:
    """Write what protos/ says now, without its comments."""
    if buf("build", "--exclude-source-info", "-o", str(target)) != 0:
        raise SystemExit("buf build failed")


def buf(*arguments: str) -> int:
    """Run buf on the protos, and give its exit status; what it finds, it prints."""
    program = Path(sys.executable).parent / "buf"  # It stands beside this interpreter.
    return subprocess.run([str(program), *arguments], cwd=ROOT, check=False).returncode


def main() -> None:
    # The mypy plug-in stands beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        demand_additive()
        generate(Path(folder))
        publish(Path(folder) / PUBLISHED.name)
        fresh = Path(folder) / "services" / "generated" / "aidc"
        if "--write" in sys.argv:
            shutil.rmtree(COMMITTED, ignore_errors=True)
            shutil.copytree(fresh, COMMITTED)
            shutil.copy(Path(folder) / PUBLISHED.name, PUBLISHED)
            return
        stale = differences(COMMITTED, fresh)
        if stale:
            raise SystemExit(f"services/generated is not what protos/ says; run `make protos`: {', '.join(stale)}")
        if not filecmp.cmp(PUBLISHED, Path(folder) / PUBLISHED.name, shallow=False):
            raise SystemExit("protos/published.binpb is not what protos/ says; run `make protos`")
        print("services/generated is what protos/ says, and breaks nobody")


if __name__ == "__main__":
    main()
