"""Whom each event of a run of pages concerns, worked out from the events: a table about them must say the same.

An event names its company, or the reservation that it is about, whose company an earlier event named. Where that stands
in front of the run, what is told of a reservation first is believed, and must hold until somebody takes it over.
"""

from typing import Any

from services.audit.company import named_in

BEGINNINGS = ("reservation_confirmed", "reservation_held", "reservation_requested", "reservation_transferred")
ABOUT_A_COMPANY = ("strike_given", "strike_forgiven")
"""Events that name a reservation and belong to no life of one."""


class Owners:
    """The companies of the reservations so far."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def company_of(self, event: dict[str, Any], told: str) -> str:
        """The company that the next event concerns; empty if it concerns none. `told` is what a table says."""
        reservation = reservation_of(event)
        if event["type"] == "company_registered":
            return str(event["company"]["id"])
        named = named_in(event)
        if named is not None:
            if event["type"] in BEGINNINGS:
                self._of[reservation] = named
            return str(named)
        return self._of.setdefault(reservation, told) if reservation else ""


def reservation_of(event: dict[str, Any]) -> str:
    """The reservation that an event is about; empty if it is about none."""
    if event["type"] in ABOUT_A_COMPANY:
        return ""
    about = event.get("correction", event)
    return str(about.get("reservation_id", ""))
