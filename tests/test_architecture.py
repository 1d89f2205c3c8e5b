"""The house: who may import whom. Held by a test, so that the picture in ARCHITECTURE.md stays true."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SERVICES = ROOT / "services"

ROOMS_ALLOWED = {
    "allocation": {"allocation"},
    "eventlog": {"eventlog", "allocation"},
    "runtime": {"runtime", "generated"},
    "scheduler": {"scheduler", "allocation", "eventlog", "runtime", "generated"},
    "ledger": {"ledger", "allocation", "eventlog", "runtime", "generated"},
    "metrics": {"metrics", "allocation", "eventlog", "runtime", "generated"},
    "board": {"board", "runtime", "generated"},
    "agent": {"agent", "eventlog", "runtime"},
    "cli": {"cli", "agent", "allocation", "eventlog", "runtime", "generated", "audit"},
    "audit": {"audit"},
}
THIRD_PARTIES = {
    "nats": {"eventlog"},
    "asyncpg": {"ledger", "runtime"},
    "grpc": {"runtime", "scheduler", "ledger", "cli", "board"},
    "prometheus_client": {"runtime", "scheduler", "ledger", "metrics", "board"},
    "starlette": {"board"},
    "uvicorn": {"board"},
    "pynvml": {"agent"},
    "pyarrow": {"ledger", "audit"},
    "zstandard": {"eventlog"},
    "icalendar": {"scheduler"},
    "dateutil": {"scheduler"},
    "typer": {"cli"},
    "rich": {"cli"},
}
BOARD_ALLOWED: dict[str, set[str]] = {
    "paper": set(),
    "doors": set(),
    "frame": {"paper", "doors"},
    "entrance": {"paper", "doors", "frame"},
    "timeline": {"paper", "doors", "frame"},
    "usage": {"paper", "doors", "frame"},
    "booking": {"paper", "doors", "frame"},
    "reservations": {"paper", "doors", "frame"},
    "outages": {"paper", "doors", "frame"},
    "conduct": {"paper", "doors", "frame"},
    "series": {"paper", "doors", "frame", "booking", "reservations"},
    "now": {"paper", "doors", "frame", "outages", "reservations"},
    "company": {"paper", "doors", "frame", "conduct", "reservations", "usage"},
}
"""Which rooms of the board each of its rooms may import; what is at its own door joins them all."""
PURE = {"msgspec", "numpy"}
IMPURE = {"asyncio", "os", "socket", "subprocess", "random", "secrets", "threading", "time", "pathlib", "uuid"}


def modules(room: str) -> Iterator[tuple[Path, str]]:
    """Every module of a room with every module that it imports."""
    for path in sorted((SERVICES / room).rglob("*.py")):
        for name in imports_of(path):
            yield path, name


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """What a file imports; `from x import y` is both `x` and `x.y`."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)


@pytest.mark.parametrize("room", ROOMS_ALLOWED)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    """The three services never import one another, and the rules know nobody."""
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in modules(room)
        if name.startswith("services.") and name.split(".")[1] not in ROOMS_ALLOWED[room]
    }
    assert not strangers


@pytest.mark.parametrize("package", THIRD_PARTIES)
def test_a_third_party_stays_in_its_rooms(package: str) -> None:
    """Each library is met in the rooms that need it, and nowhere else."""
    guests = {room for room in ROOMS_ALLOWED for _, name in modules(room) if name.split(".")[0] == package}
    assert guests <= THIRD_PARTIES[package]


def test_the_rules_know_no_network_clock_or_file() -> None:
    """The decision core imports the standard library's pure parts, numpy and msgspec."""
    names = {name.split(".")[0] for _, name in modules("allocation")}
    outside = {name for name in names if name not in PURE | {"services"} and name in IMPURE}
    third = names & (set(THIRD_PARTIES) | {"yaml", "structlog", "google", "cryptography", "joserfc", "uvloop"})
    assert not outside | third


def test_every_room_of_the_house_is_in_the_table() -> None:
    """A new room must say whom it may import."""
    rooms = {path.name for path in SERVICES.iterdir() if (path / "__init__.py").exists()}
    assert rooms - {"generated"} == set(ROOMS_ALLOWED)


@pytest.mark.parametrize("room", BOARD_ALLOWED)
def test_a_room_of_the_board_imports_only_the_rooms_it_may(room: str) -> None:
    """What is drawn knows nobody, a page knows only the pages that it leads to, and none knows the door."""
    strangers = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in modules(f"board/{room}")
        if name.startswith("services.board")
        and name.split(".")[2:3] not in [[own] for own in BOARD_ALLOWED[room] | {room}]
    }
    assert not strangers


def test_every_room_of_the_board_is_in_the_table() -> None:
    """A new room of the board must say whom it may import, and only its door stands outside of a room."""
    assert rooms_of("board") == set(BOARD_ALLOWED)
    assert {path.name for path in (SERVICES / "board").glob("*.py")} == {"__init__.py", "app.py", "routes.py", "web.py"}


def rooms_of(service: str) -> set[str]:
    """The rooms within a service."""
    return {path.name for path in (SERVICES / service).iterdir() if (path / "__init__.py").exists()}


def picture_of(service: str) -> list[tuple[str, str]]:
    """What ARCHITECTURE.md's table of a service names, in order: each room with a slash, each file with nothing."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = text.partition(f"| `services/{service}/` |")[2].partition("\n\n")[0]
    return re.findall(
        r"`([a-z_]+)(/?)`", "".join(row.split("|")[1] for row in table.splitlines() if row.count("|") > 2)
    )


@pytest.mark.parametrize("service", ["allocation", "board"])
def test_the_rooms_of_a_service_are_in_the_picture(service: str) -> None:
    """ARCHITECTURE.md names every room of the rules and of the board, and no room or file that is not there."""
    named = picture_of(service)
    assert {name for name, slash in named if slash} == rooms_of(service)
    assert [name for name, slash in named if not slash and not (SERVICES / service / f"{name}.py").exists()] == []


def test_no_import_of_the_rules_runs_back() -> None:
    """What ARCHITECTURE.md's table names imports only itself and what stands above it: nothing runs in a circle."""
    order = [name for name, _ in picture_of("allocation")]
    back = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in modules("allocation")
        if (own := path.relative_to(SERVICES / "allocation").parts[0].removesuffix(".py")) in order
        for other in name.split(".")[2:3]
        if name.startswith("services.allocation.") and order.index(other) > order.index(own)
    }
    assert sorted(order) == sorted(rooms_of("allocation") | files_of("allocation"))
    assert not back


def files_of(service: str) -> set[str]:
    """The files at the door of a service."""
    return {path.stem for path in (SERVICES / service).glob("*.py")} - {"__init__"}


def test_every_path_in_the_picture_is_there() -> None:
    """What ARCHITECTURE.md and the README's reading path point at can be opened."""
    text = "".join(
        (ROOT / name).read_text(encoding="utf-8") for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md")
    )
    paths = set(re.findall(r"`((?:services|tests|deploy|loadtests|protos)/[\w./-]+)`", text))
    assert len(paths) > 30
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
