"""The catalogue of messages: whole in both languages, used, and nothing missing."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from services.board import words
from services.board.words import LANGUAGES, catalogue, words_for

ROOM = Path(words.__file__).parent
FAMILIES = re.compile(
    "(account|approval|change|condition|done|event|every|incident|kind|legend|outage|outcome|override|policy|problem|quota|"
    "range|reason|role|series|state|together|unit|usage|zoom)_|cancel|release"
)
"""Keys that are put together where they are used."""


def literals() -> set[str]:
    """Every word-like piece of text in the room's code, pieces of f-strings included."""
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def asked() -> set[str]:
    """Every key that the code asks for by its whole name."""
    pattern = re.compile(r'\b(?:visit\.|self\.)?words\(\s*"([a-z_0-9]+)"')
    return {key for path in ROOM.glob("*.py") for key in pattern.findall(path.read_text())}


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
