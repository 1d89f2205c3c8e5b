"""Handing a reservation over: its company offers it to another, which takes it or does not. Until then it stays whose
it is, and the other sees what it is offered and nothing else.
"""

from enum import StrEnum

from msgspec import Struct

OFFER_SECONDS_DEFAULT = 72 * 3600
"""An offer stands so long, unless it says otherwise."""
OFFER_SECONDS_MAX = 31 * 86_400


class Outcome(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class HandedOver(Struct, frozen=True, gc=False, array_like=True):
    """That a company handed a reservation over to another, at a time in seconds."""

    former: str
    to: str
    at: int


class Transfer(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The last offer of a reservation: to which company, from when, until when, and what became of it.

    `version` is that of the reservation when this was last said.
    """

    to: str
    offered_at: int
    expires_at: int
    version: int
    outcome: Outcome = Outcome.OPEN
