"""What the ledger says no to, and what the caller can do about it."""

from datetime import datetime

import grpc

from services.ledger.archived import Archived
from services.ledger.reporting.statements import STATEMENT_LINES_MAX
from services.runtime.problems import Problem

RETRY_NOT_YET_SECONDS = 0.2
RETRY_AWAY_SECONDS = 1.0
RETRY_HALTED_SECONDS = 30.0


def no_such(name: str) -> Problem:
    """Nothing of this name, or nothing that the caller may see: the words are the same."""
    return Problem(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"There is no {name}.", metadata={"name": name})


def too_long(fits_until: datetime) -> Problem:
    """A statement that no answer can carry, with a period that fits."""
    return Problem(
        grpc.StatusCode.FAILED_PRECONDITION,
        "STATEMENT_TOO_LONG",
        f"The statement has more than {STATEMENT_LINES_MAX} lines. Ask for a shorter period:"
        f" with end_time {fits_until.isoformat()} it fits.",
        metadata={"lines_max": str(STATEMENT_LINES_MAX), "end_time": fits_until.isoformat()},
    )


def archived(why: Archived) -> Problem:
    """The answer needs events that left the tables for an archive."""
    return Problem(
        grpc.StatusCode.FAILED_PRECONDITION,
        "ARCHIVED",
        f"The answer needs events that the ledger no longer keeps at hand: {why}.",
        metadata={"months": ",".join(archive.name for archive in why.needed)},
    )


def not_yet(asked: int, position: int) -> Problem:
    """The log position that was asked for is not in the tables yet."""
    return Problem(
        grpc.StatusCode.UNAVAILABLE,
        "NOT_YET",
        f"The ledger is at position {position}, position {asked} was asked for. Ask again.",
        metadata={"position": str(position), "min_position": str(asked)},
        retry_after_seconds=RETRY_NOT_YET_SECONDS,
    )


def halted(position: int) -> Problem:
    """The ledger stopped for good; an operator must look."""
    return Problem(
        grpc.StatusCode.UNAVAILABLE,
        "HALTED",
        f"The ledger stopped at position {position} because it cannot trust the log after it.",
        metadata={"position": str(position)},
        retry_after_seconds=RETRY_HALTED_SECONDS,
    )


def away() -> Problem:
    """Postgres does not answer."""
    return Problem(
        grpc.StatusCode.UNAVAILABLE,
        "DATABASE_AWAY",
        "The ledger cannot reach its database. Ask again.",
        retry_after_seconds=RETRY_AWAY_SECONDS,
    )


def not_the_whole_centre() -> Problem:
    """A company asked for everybody's books."""
    return Problem(
        grpc.StatusCode.PERMISSION_DENIED,
        "ROLE_NOT_ALLOWED",
        "The books of the whole centre are for operators and auditors; ask for your own company.",
    )


def no_checkpoint_key() -> Problem:
    """The operator gave no key, so nothing is signed here."""
    return Problem(
        grpc.StatusCode.FAILED_PRECONDITION,
        "NO_CHECKPOINT_KEY",
        "This ledger has no key to sign checkpoints with: set AIDC_CHECKPOINT_KEY and start it again.",
    )


def not_signed() -> Problem:
    """What was signed before is not in the books, for now or for good; the ledger's log says which."""
    return Problem(
        grpc.StatusCode.UNAVAILABLE,
        "NOT_SIGNED",
        "The ledger signs nothing until its books reach what it has signed before. Ask again.",
        retry_after_seconds=RETRY_AWAY_SECONDS,
    )
