"""The data folder of a centre that runs here: its lock, its keys, and the file that says where everything is.

Nothing in it is readable by others. `endpoints.json` exists exactly while the centre is ready.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from services.audit.keys import make_keys as make_checkpoint_keys
from services.cli.connection import ENDPOINTS_FILE
from services.cli.outcome import Failed
from services.runtime.identity import LIFETIME_SECONDS_MAX, Identity, Role, mint_token
from services.runtime.keys import make_keys

COMMITTEE = tuple(f"committee-{number}" for number in range(1, 6))
"""Five people of the centre who may vote on what a committee approves."""

OFFICERS = tuple(f"officer-{number}" for number in range(1, 4))
"""Three people of the centre who support companies, and act for those that they are assigned to."""


class DataFolder:
    """A folder that one supervisor works in at a time. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock = -1

    @property
    def endpoints(self) -> Path:
        """The file that other commands find the centre by."""
        return self.path / ENDPOINTS_FILE

    @property
    def keys(self) -> Path:
        """The folder of the keys that sign tokens."""
        return self.path / "keys"

    @property
    def dsn_file(self) -> Path:
        """How the ledger reaches Postgres; a file, so that the password is in nobody's environment."""
        return self.path / "postgres-dsn"

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            os.close(self._lock)
            raise Failed(f"{self.path} is in use: another `aidc up` runs on it") from problem
        except OSError as problem:
            raise Failed(f"cannot use {self.path}: {problem.strerror}") from problem
        self.endpoints.unlink(missing_ok=True)  # Left behind by a supervisor that was killed.
        return self

    def __exit__(self, *_: object) -> None:
        self.endpoints.unlink(missing_ok=True)
        os.close(self._lock)

    def public_keys(self) -> Path:
        """The key set that the services verify tokens with; made on first use."""
        return make_keys(self.keys)

    @property
    def checkpoints(self) -> Path:
        """Where the ledger keeps what it signs, beside its database."""
        return self.path / "checkpoints"

    def checkpoint_key(self, centre: str) -> Path:
        """The private key that the ledger of a centre signs checkpoints with; made on first use."""
        return make_checkpoint_keys(self.keys, f"aidc/{centre}")

    def tokens(self, companies: Iterable[str]) -> dict[str, str]:
        """Fresh tokens, good for a day: operator, auditor, and one for each company id."""
        callers = {
            Role.OPERATOR.value: Identity("operator", Role.OPERATOR, ""),
            Role.AUDITOR.value: Identity("auditor", Role.AUDITOR, ""),
            **{company: Identity(company, Role.COMPANY, company) for company in companies},
        }
        return self._mint(callers)

    def committee_tokens(self) -> dict[str, str]:
        """The same for the committee's members: operators, each under a name of their own."""
        return self._mint({member: Identity(member, Role.OPERATOR, "") for member in COMMITTEE})

    def officer_tokens(self) -> dict[str, str]:
        """The same for support officers, who may nothing until an operator lets them act for a company."""
        return self._mint({officer: Identity(officer, Role.OFFICER, "") for officer in OFFICERS})

    def _mint(self, callers: Mapping[str, Identity]) -> dict[str, str]:
        now = time.time()
        return {name: mint_token(self.keys, identity, now, LIFETIME_SECONDS_MAX) for name, identity in callers.items()}

    def write_endpoints(self, content: dict[str, Any]) -> None:
        """Say where everything is, to the owner of the folder alone."""
        write_private(self.endpoints, json.dumps(content, indent=2))


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner may read it."""
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
