"""What commands have in common: how to find the centre, who asks, and how to answer."""

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from services.cli.client import Client
from services.cli.connection import Connection, find
from services.cli.outcome import Failed

COMPANIES = "companies/"
OFFICER = "officer-1"
"""Who acts on somebody's behalf where `aidc up` runs and nobody else is named."""
EVERY_COMPANY = "companies/-"

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="AIDC_DATA", help="The folder that `aidc up` runs on; without it AIDC_SCHEDULER, or ./data."
    ),
]
Caller = Annotated[
    str,
    typer.Option(
        "--as",
        envvar="AIDC_AS",
        metavar="WHO",
        help="Who asks: operator (if nobody is named), auditor, a company such as CMP-0001, committee-1 or officer-1.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer for programs, in JSON.")]
RequestId = Annotated[
    str,
    typer.Option("--request-id", metavar="UUID", help="Repeat an earlier request: at most one takes effect."),
]
Company = Annotated[
    str, typer.Option("--company", metavar="ID", help="The company concerned, if not the one who asks.")
]


ON_BEHALF_OF: ContextVar[str] = ContextVar("on_behalf_of", default="")
"""The company that a support officer acts for, as `aidc --on-behalf-of` says; empty for everybody else."""


def connect(data: Path | None, caller: str, company: str = "") -> Client:
    """A client for the caller; without one, for the company concerned, or the operator."""
    acted_for = ON_BEHALF_OF.get().removeprefix(COMPANIES)
    if not acted_for:
        return Client(find(data, caller, company))
    return Client(find(data, caller, OFFICER).acting_for(acted_for))


def parent_of(connection: Connection, company: str) -> str:
    """`companies/{company}` of the company concerned."""
    chosen = company.removeprefix(COMPANIES) or connection.company
    if not chosen:
        raise Failed("which company? Add --as CMP-0001, or --company CMP-0001")
    return f"{COMPANIES}{chosen}"


def reservation_name(connection: Connection, name: str) -> str:
    """The full name of `companies/C/reservations/R`, `C/R`, or `R` of the company that asks."""
    parts = name.strip("/").split("/")
    match parts:
        case ["companies", company, "reservations", reservation]:
            return f"{COMPANIES}{company}/reservations/{reservation}"
        case [company, reservation]:
            return f"{COMPANIES}{company}/reservations/{reservation}"
        case [reservation]:
            return f"{parent_of(connection, '')}/reservations/{reservation}"
        case _:
            raise Failed(f"cannot read the reservation's name {name!r}: write companies/C/reservations/R")


def company_in(name: str) -> str:
    """The company in a reservation's name, or an empty string."""
    parts = name.strip("/").removeprefix(COMPANIES).split("/")
    return parts[0] if len(parts) > 1 else ""
