"""What the centre says is said everywhere: every reason and every event has its words wherever somebody reads it.

That each reason is provoked by a command is held by `allocation/test_reasons.py`; that each event has a sentence, by
`ledger/test_sentences.py`; that each has a golden sample, by `eventlog/test_schema.py`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import grpc
import pytest

from services.allocation import events
from services.allocation.events import Event, ReservationEvent
from services.allocation.rejections import Reason
from services.board.paper.words import LANGUAGES, catalogue
from services.ledger.facts import EVENT_TYPES
from services.scheduler.wire.refusals import STATUS_OF

ROOT = Path(__file__).parent.parent
HANGUL = re.compile("[가-힣]")
NOT_A_STEP = (events.UseMeasured, events.CorrectionPosted)
"""What stands in the history of a reservation without changing it."""


def told() -> set[tuple[str, str]]:
    """The table of reasons that clients read: the status and the reason of every row."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("## Reasons")[2]
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \| .+ \|$", text, re.MULTILINE)
    return {(status, reason) for reason, status in rows}


def problems_of_services() -> Iterator[tuple[str, str]]:
    """The status and the reason of every other error that a service may answer with, read off the code."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "Problem":
                continue
            code, reason = node.args[:2]
            if isinstance(code, ast.Attribute) and isinstance(reason, ast.Constant):
                yield code.attr, str(reason.value)


def test_every_reason_has_a_status() -> None:
    """No rule may say no in a way that the API has no status for."""
    assert STATUS_OF.keys() == set(Reason)
    assert grpc.StatusCode.OK not in STATUS_OF.values()


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_stands_in_the_documents_beside_its_status(reason: Reason) -> None:
    """Clients may rely on the list, and on the status that each comes with."""
    assert [status for status, name in told() if name == reason] == [STATUS_OF[reason].name]


@pytest.mark.parametrize(("status", "reason"), sorted(set(problems_of_services())), ids=str)
def test_an_error_of_the_doors_stands_in_the_documents(status: str, reason: str) -> None:
    """What is no rule of the centre is told in the same table: a lapsed token, a full server, a position to come."""
    assert (status, reason) in told()


def test_the_documents_tell_no_reason_that_nobody_gives() -> None:
    """A name that is gone from the code is gone from the table."""
    given = set(Reason) | {reason for _, reason in problems_of_services()} | {"RATE_LIMITED", "OVERLOADED"}
    assert {reason for _, reason in told()} <= given


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_a_reason_has_words_on_the_board(reason: Reason) -> None:
    """In English and in Korean; the code's own name is never all that a person reads."""
    words = catalogue()[f"reason_{reason}"]
    assert words.keys() == LANGUAGES.keys()
    assert HANGUL.search(words["ko"])
    assert words["en"] != reason


@pytest.mark.parametrize("kind", [*get_args(ReservationEvent), *NOT_A_STEP], ids=lambda kind: kind.__name__)
def test_an_event_of_a_history_has_words_on_the_board(kind: type[Event]) -> None:
    """The page of a reservation names whatever its history tells, in English and in Korean."""
    words = catalogue()[f"event_{EVENT_TYPES[kind]}"]
    assert HANGUL.search(words["ko"])
    assert words["en"] != EVENT_TYPES[kind]
