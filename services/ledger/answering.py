"""What all methods of the ledger have in common: names, whose books they are, waiting for a position, and failures."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from services.ledger import refusals
from services.ledger.archived import Archived
from services.ledger.database import GONE, OUTAGES
from services.ledger.journal import Violated
from services.ledger.progress import Progress
from services.ledger.proving.notary import Behind
from services.ledger.reporting.statements import TooLong
from services.ledger.reporting.views import NotFound
from services.runtime.doors import Call
from services.runtime.identity import Identity, Role
from services.runtime.problems import invalid

ANSWER_SECONDS = 0.2
"""Kept of the caller's time for the answer itself, when it first waits for a position."""
WHOLE_CENTRE = "-"

READ_FAILURES: tuple[type[Exception], ...] = (*OUTAGES, *GONE)


async def wait_for(progress: Progress, call: Call, position: int, field: str = "min_position") -> None:
    """Wait until the tables hold a position that the caller names in a field. Raises `Problem` if they do not."""
    if position < 0:
        raise invalid({field: "is negative"})
    if progress.halted:
        raise refusals.halted(progress.position)
    seconds = call.deadline - time.monotonic() - ANSWER_SECONDS
    if not await progress.wait_for(position, seconds):
        raise refusals.not_yet(position, progress.position)


@contextmanager
def failures(name: str) -> Iterator[None]:
    """Every way in which a read about `name` ends without an answer, in words for the caller."""
    try:
        yield
    except NotFound:
        raise refusals.no_such(name) from None
    except TooLong as refusal:
        raise refusals.too_long(refusal.fits_until) from None
    except Archived as archived:
        raise refusals.archived(archived) from None
    except (Behind, Violated) as error:
        raise refusals.not_signed() from error
    except READ_FAILURES as error:
        raise refusals.away() from error


def company_in(name: str) -> str:
    """The id in `companies/{company}`."""
    match name.split("/"):
        case ["companies", company] if company:
            return company
        case _:
            raise invalid({"name": "is not of the form companies/{company}"})


def reservation_in(name: str, field: str = "name") -> tuple[str, str]:
    """The ids in `companies/{company}/reservations/{reservation}`."""
    match name.split("/"):
        case ["companies", company, "reservations", reservation] if company and reservation:
            return company, reservation
        case _:
            raise invalid({field: "is not of the form companies/{company}/reservations/{reservation}"})


def demand_whole_centre(identity: Identity) -> None:
    """Refuse a company that asks for everybody's."""
    if identity.role is Role.COMPANY:
        raise refusals.not_the_whole_centre()


def demand_own(identity: Identity, company: str, name: str) -> None:
    """Answer a company that asks for another's as if there were none."""
    if identity.role is Role.COMPANY and identity.company != company:
        raise refusals.no_such(name)


def timestamp(moment: datetime) -> Timestamp:
    """For the wire."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
