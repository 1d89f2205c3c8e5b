"""Where the centre is and who is asking: from a data folder that `aidc up` runs, or from the environment."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.cli.outcome import Failed, because

ENDPOINTS_FILE = "endpoints.json"
DATA_DEFAULT = Path("data")
OPERATOR = "operator"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Addresses as `host:port`, the bearer token, and the company that it speaks for, or an empty string.

    `officer` says that it is a support officer who speaks for the company, `own` that `aidc up` runs the centre here.
    """

    scheduler: str
    ledger: str
    token: str
    company: str = ""
    metrics: str = ""
    tls_roots: bytes | None = None
    officer: bool = False
    own: bool = False

    def metadata(self, token: str = "") -> tuple[tuple[str, str], ...]:
        """What goes with every call of the caller, or of whoever another token names."""
        bearer = ("authorization", f"Bearer {token or self.token}")
        return (bearer, ("aidc-on-behalf-of", self.company)) if self.officer and not token else (bearer,)

    def acting_for(self, company: str) -> "Connection":
        """The same, for a support officer who acts for a company."""
        return replace(self, company=company, officer=True)


def find(data: Path | None, caller: str, concerned: str = "", environ: Mapping[str, str] = os.environ) -> Connection:
    """Find the centre: `data` first, then AIDC_SCHEDULER, AIDC_LEDGER and AIDC_TOKEN, then `./data`.

    `caller` is operator, auditor, a member of the committee, a support officer or a company id; empty means whoever
    AIDC_TOKEN names, else the one concerned, else the operator.
    """
    if data is None and "AIDC_SCHEDULER" in environ:
        return from_environment(caller, environ)
    folder = data or DATA_DEFAULT
    endpoints = read_endpoints(folder)
    if endpoints is None:
        raise Failed(f"no centre runs on {folder}: start one with `aidc up --data {folder}`, or set AIDC_SCHEDULER")
    return from_endpoints(endpoints, caller or concerned or OPERATOR, folder)


def from_environment(caller: str, environ: Mapping[str, str]) -> Connection:
    """A centre that somebody else runs."""
    token = environ.get("AIDC_TOKEN", "")
    if not token:
        raise Failed("AIDC_SCHEDULER is set but AIDC_TOKEN is not: set it to your bearer token")
    company = company_of(token)
    if caller not in ("", company):
        raise Failed(f"--as {caller} needs --data; AIDC_TOKEN already says who you are")
    roots = environ.get("AIDC_TLS_ROOTS", "")
    return Connection(
        scheduler=environ["AIDC_SCHEDULER"],
        ledger=environ.get("AIDC_LEDGER", ""),
        token=token,
        company=company,
        tls_roots=read_roots(Path(roots)) if roots else None,
    )


def from_endpoints(endpoints: Mapping[str, Any], caller: str, folder: Path) -> Connection:
    """A centre that `aidc up` runs here."""
    tokens = {**endpoints.get("committee", {}), **endpoints.get("officers", {}), **endpoints["tokens"]}
    if caller not in tokens:
        raise Failed(
            f"{folder} has no token for {caller!r}: use operator, auditor, committee-1, officer-1 or a company such as"
            " CMP-0001"
        )
    return Connection(
        scheduler=endpoints["scheduler"],
        ledger=endpoints["ledger"],
        metrics=endpoints["metrics"],
        token=tokens[caller],
        company=company_of(tokens[caller]),
        own=True,
    )


def read_endpoints(folder: Path) -> dict[str, Any] | None:
    """What `aidc up` wrote about a centre that runs on this folder, or None."""
    try:
        endpoints = json.loads((folder / ENDPOINTS_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise Failed(f"cannot read {folder / ENDPOINTS_FILE}: {because(problem)}") from problem
    return dict(endpoints)


def read_roots(path: Path) -> bytes:
    """Certificates that the services' own are checked against."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Failed(f"cannot read AIDC_TLS_ROOTS: {because(problem)}") from problem


def company_of(token: str) -> str:
    """The company in a token's claims, unverified: the services verify, we only need to know whom to ask for."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims.get("company", ""))
    except (IndexError, ValueError, AttributeError):
        return ""
