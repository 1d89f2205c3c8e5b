"""Whose an event is: told from the event alone, for every kind that there is."""

import msgspec
import pytest

from services.allocation.events import Event, ReservationEvent
from services.audit.company import named_in
from tests.eventlog.pages import SAMPLES

NOBODYS = {
    *("resource_registered", "tariff_published", "period_closed", "terms_published"),
    *("outage_declared", "outage_lifted", "capacity_funded"),
}
"""Events about the centre as a whole."""
OWN = [each for each in SAMPLES if not isinstance(each, ReservationEvent)]


@pytest.mark.parametrize("event", OWN, ids=lambda event: event.__struct_config__.tag)
def test_every_event_of_a_company_names_it(event: Event) -> None:
    """A new event without its place here would make a company's export look forged."""
    told = msgspec.json.decode(msgspec.json.encode(event), type=dict)
    if told["type"] == "company_registered":
        assert told["company"]["id"].startswith("CMP-")
        return
    named = named_in(told)
    assert (named is None) == (told["type"] in NOBODYS)
    assert named is None or named.startswith("CMP-")
