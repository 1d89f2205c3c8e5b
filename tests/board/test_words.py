"""The catalogue of messages: whole in both languages, used, and nothing missing."""

import ast
import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from services import board
from services.allocation.events import Event
from services.allocation.rejections import Reason
from services.allocation.reservations import State
from services.board.paper.words import LANGUAGES, catalogue, words_for
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.ledger.reporting.transfers import LATE_FEE_RETURNED

HOUSE = Path(board.__file__).parent
FAMILIES = re.compile(
    "(account|approval|cause|change|condition|done|effect|event|every|incident|judge|kind|legend|order|outage|outcome|override|policy|problem|quota|"
    "range|reason|role|series|state|together|unit|usage|zoom)_|cancel|release"
)
"""Keys that are put together where they are used."""
KNOWN = {
    "reason": {reason.value for reason in Reason},
    "state": {state.value for state in State} | {name.lower()[6:] for name in api.Reservation.State.keys()[1:]},
    "event": {LATE_FEE_RETURNED}
    | {
        str(kind.__struct_config__.tag)
        for kind in get_args(Event)
        if {"reservation", "reservation_id", "correction"} & set(kind.__struct_fields__)
    },
}
"""What the services may tell of a reservation by a code, by the family of messages that says it in words."""
AT_THE_DOOR = {"INVALID_FIELD", "NOT_AN_OFFICER", "NOT_YOUR_COMPANY", "TOO_MANY_SEARCHES"}
"""Reasons that no rule gives: the doors do, and the board itself."""


def literals() -> set[str]:
    """Every word-like piece of text in the board's code, pieces of f-strings included."""
    found = set()
    for path in HOUSE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def asked() -> set[str]:
    """Every key that the code asks for by its whole name."""
    pattern = re.compile(r'\b(?:visit\.|self\.)?words\(\s*"([a-z_0-9]+)"')
    return {key for path in HOUSE.rglob("*.py") for key in pattern.findall(path.read_text())}


@pytest.mark.parametrize("key", catalogue())
def test_a_message_is_whole_in_every_language(key: str) -> None:
    """Each language has the text, none is empty, and all fill in the same names."""
    texts = catalogue()[key]
    assert texts.keys() == LANGUAGES.keys()
    assert all(text.strip() for text in texts.values())
    names = [sorted(name for _, name, _, _ in Formatter().parse(text) if name) for text in texts.values()]
    assert names[0] == names[1]


def test_korean_is_korean() -> None:
    """No message was left in English by mistake."""
    same = {key for key, texts in catalogue().items() if texts["en"] == texts["ko"]}
    assert same == {"unit_gpu", "unit_gpu_one"}


def test_every_message_that_is_asked_for_is_there() -> None:
    """A page never fails for want of a word."""
    assert asked() <= catalogue().keys()


@pytest.mark.parametrize(
    ("family", "code"), [(family, code) for family, codes in KNOWN.items() for code in sorted(codes)]
)
def test_every_code_that_the_services_may_tell_has_words(family: str, code: str) -> None:
    """Each reason, state and event is said in both languages, not spelt: a new one fails here until it has words."""
    assert catalogue()[f"{family}_{code}"].keys() == LANGUAGES.keys()


def test_no_reason_is_said_that_nobody_gives() -> None:
    """The words of a reason that went go with it; what the doors say themselves is named here."""
    said = {key.removeprefix("reason_") for key in catalogue() if key.startswith("reason_")} - {"label"}
    assert said - KNOWN["reason"] == AT_THE_DOOR


def test_no_event_is_said_that_nothing_writes() -> None:
    """The words of an event go with it."""
    said = {key.removeprefix("event_") for key in catalogue() if key.startswith("event_")}
    assert said <= KNOWN["event"] | {str(kind.__struct_config__.tag) for kind in get_args(Event)}


def test_no_message_is_left_over() -> None:
    """What nothing asks for is not translated either."""
    said = literals()
    unused = [key for key in catalogue() if key not in said and not FAMILIES.match(key)]
    assert not unused


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "ko", "ko"),
        ("", "ko-KR;q=0.9, en", "en"),
        ("", "fr, ko;q=0.2", "ko"),
        ("", "ko;q=0", "en"),
        ("", "ko;q=x, *;;=", "en"),
        ("", "," * 5000 + "ko", "en"),
        ("ko", "en", "ko"),
        ("xx", "en", "en"),
    ],
)
def test_the_language_is_the_one_chosen_else_the_browsers(chosen: str, accepted: str, language: str) -> None:
    """A header that is odd or endless costs nothing and means English."""
    assert words_for(chosen, accepted).language == language
