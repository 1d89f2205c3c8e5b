"""Whom an event concerns, by the offline verifier and by the ledger: the same, of every event that there is."""

from typing import Any, get_args

import msgspec
import pytest

from services.allocation.events import Event, ReservationEvent
from services.audit.owners import BEGINNINGS, Owners, reservation_of
from services.ledger import facts
from tests.eventlog.pages import FORMS, SAMPLES


def plain(event: Event) -> dict[str, Any]:
    """The event as it stands in the log."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(event))
    return found


@pytest.mark.parametrize("event", [*SAMPLES, *FORMS.values()], ids=lambda event: event.__struct_config__.tag)
def test_the_verifier_works_out_what_the_ledger_says(event: Event) -> None:
    """An event of a reservation without a word of its company is its owner's, any other names the company itself."""
    told = Owners().company_of(plain(event), told="CMP-0009")
    if isinstance(event, get_args(ReservationEvent)):
        assert told == getattr(event, "company", "CMP-0009")
        assert reservation_of(plain(event)) == event.reservation_id
        assert (event.__struct_config__.tag in BEGINNINGS) == hasattr(event, "company")
    else:
        assert told == facts._company(event)
        assert reservation_of(plain(event)) == facts._reservation(event)


def test_an_owner_stays_until_somebody_takes_over() -> None:
    """What is told first of a reservation from before is believed, and nothing else after it."""
    owners, activated = Owners(), {"type": "reservation_activated", "reservation_id": "r"}
    assert [owners.company_of(activated, told) for told in ("A", "B")] == ["A", "A"]
    owners.company_of({"type": "reservation_transferred", "reservation_id": "r", "company": "B"}, "A")
    assert owners.company_of(activated, "A") == "B"
