"""A change that waits for a new judgement: what became of it."""

from enum import StrEnum


class ChangeOutcome(StrEnum):
    """Why a change that was asked for did not come about. One that is granted says so itself."""

    DENIED = "denied"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    OUTAGE = "outage"
    """Units that were kept for it, or that the reservation stands on, are out."""
    UNFUNDED = "unfunded"
