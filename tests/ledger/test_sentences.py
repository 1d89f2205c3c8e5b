"""Every event says something that a person can read."""

from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from services.allocation import events
from services.allocation.events import Event, ReservationCancelled, ReservationConfirmed
from services.allocation.reservations import Overburn, Override
from services.ledger.reporting.sentences import SENTENCES, sentence
from services.ledger.reporting.telling import Words
from tests.eventlog.pages import SAMPLES
from tests.ledger.pages import hours_corrected

WORDS = Words(actor="operators/lee", zone=ZoneInfo("Asia/Seoul"), units={"h100": "gpu", "M01": "seat"})


def test_every_event_has_a_sentence() -> None:
    """A new event without a row of its own would leave a hole in somebody's history."""
    assert SENTENCES.keys() == set(get_args(Event))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.__struct_config__.tag)
def test_a_sentence_reads_as_one(event: Event) -> None:
    """It begins with a capital, ends with a full stop, and shows nothing of the program."""
    told = sentence(event, WORDS)
    assert told[0].isupper()
    assert told.endswith(".")
    assert not set("{}_<>=") & set(told)


def test_a_sentence_says_who_and_why() -> None:
    """The one who acted stands first, and a reason stands in brackets."""
    told = {event.__struct_config__.tag: sentence(event, WORDS) for event in SAMPLES}
    assert told["reservation_cancelled"] == (
        "Operator lee cancelled it before its start; nothing was used (no longer needed)."
    )
    assert told["period_closed"] == "Operator lee closed the books up to the end of 2026-02."


def test_a_sentence_tells_what_an_operator_overrode() -> None:
    """The rules in plain words, and the justification."""
    [booked] = [event for event in SAMPLES if isinstance(event, ReservationConfirmed)]
    override = Override(reasons=("CLOSED_DAY", "QUOTA_EXCEEDED"), because="the minister comes.")
    assert sentence(replace(booked, override=override), WORDS).endswith(
        ". It overrides closed day, quota exceeded: the minister comes."
    )


def test_a_sentence_tells_of_which_quota_hours_are_given_or_taken() -> None:
    """As people count them, and from when on."""
    told = sentence(hours_corrected("c1", -4), WORDS)
    assert told.startswith("Operator lee debited CMP-0001 with 4.0 unit-hours of its quota of h100 from 2026-03-02 ")


def test_a_sentence_tells_what_lies_beyond_the_quota() -> None:
    """In hours, of each meter; nothing where nothing does."""
    [booked] = [event for event in SAMPLES if isinstance(event, ReservationConfirmed)]
    burnt = (Overburn(meter="h100-train", unit_seconds=14_400), Overburn(meter="equipment", unit_seconds=3_600))
    told = "4.0 unit-hours of h100-train and 1.0 unit-hours of equipment of it lie beyond the quota."
    assert sentence(replace(booked, overburn=burnt), WORDS).endswith(told)
    assert "beyond" not in sentence(booked, WORDS)


def test_a_warning_says_when_what_stands_idle_is_given_back() -> None:
    """With how much was used at most; and that it is over."""
    warned = events.ReservationWarned(reservation_id="r-1", release_at=1_772_409_600, used_percent=3)
    assert sentence(warned, WORDS).startswith("At most 3 % of it was used of late: unless it is used more")
    assert "is over" in sentence(events.ReservationWarned(reservation_id="r-1", release_at=0), WORDS)


def test_a_no_show_says_what_nobody_came_for() -> None:
    """Equipment that nobody checked in to, and compute on which nothing ran."""
    unused = events.ReservationMissed(reservation_id="r-1", released_at=1_772_409_600, reason="no process ran on it")
    assert sentence(unused, WORDS).startswith("Nobody came, for no process ran on it: it was given back from ")
    assert sentence(replace(unused, reason=""), WORDS).startswith("Nobody checked in in time")


def test_a_sentence_says_which_officer_acted_for_whom() -> None:
    """The support officer stands first, and then the company in whose name they acted."""
    [taken] = [event for event in SAMPLES if isinstance(event, ReservationCancelled)]
    words = Words(actor="officers/han/companies/CMP-0001", zone=WORDS.zone, units=WORDS.units)
    assert sentence(taken, words).startswith("Officer han for CMP-0001 cancelled it before its start")


def test_a_sentence_tells_the_desired_time_beside_the_confirmed_one() -> None:
    """Where whoever approved it chose another time, both are told."""
    [booked] = [event for event in SAMPLES if isinstance(event, ReservationConfirmed)]
    told = sentence(replace(booked, desired=(booked.start - 7200, booked.end - 7200)), WORDS)
    assert ", instead of from " in told
    assert " as was asked" in told
