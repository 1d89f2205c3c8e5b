"""One company's export: its events in full, and hashes for the rest. The tree says that they are what was signed.

Whether each event is the company's own is checked too. That none of its events hides behind a hash, only its receipts
can tell.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from services.audit import forms
from services.audit.faults import Fault
from services.audit.forms import LeafLine, Line, RedactedLine
from services.audit.leaves import leaf_hash
from services.audit.notes import Checkpoint
from services.audit.reading import Reading

HASH_DIGITS = 64
COMPANIES = "companies/"
NESTED = ("quota", "qualification", "assignment", "series", "correction")
"""Where an event that is about one thing names its company."""


class OneCompany(Reading):
    """Every leaf up to some size of the tree, own ones whole."""

    def __init__(self, scope: str, kept: Sequence[Checkpoint]) -> None:
        super().__init__(scope, kept)
        self._company = scope.removeprefix(COMPANIES)
        self._registered = False
        self._reservations: set[str] = set()
        self._place = (0, -1)
        self._by_size: dict[int, list[Checkpoint]] = {}
        for checkpoint in kept:
            self._by_size.setdefault(checkpoint.size, []).append(checkpoint)
        self._compare()

    @property
    def where(self) -> str:
        return f"event {self.tree.size}"

    def take(self, line: Line) -> None:
        match line:
            case LeafLine():
                self._take_own(line)
            case RedactedLine() if line.hashes and len(line.hashes) % HASH_DIGITS == 0:
                hashes = forms.unhex(line.hashes, f"what follows event {self.tree.size}")
                for start in range(0, len(hashes), HASH_DIGITS // 2):
                    self._grow(hashes[start : start + HASH_DIGITS // 2])
            case _:
                raise Fault(f"what follows event {self.tree.size} is no part of a company's export")

    def close(self, closing: Checkpoint) -> None:
        if not self._registered:
            raise Fault(f"the export is not that of {self.scope}: nothing in it registers the company")
        if (closing.size, closing.root) != (self.tree.size, self.tree.root):
            raise Fault(
                f"the events do not add up to what was signed for position {closing.position}: one of them, or"
                " one of the hashes between them, was altered, dropped or moved"
            )

    def reaches(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.size <= self.tree.size

    def _take_own(self, line: LeafLine) -> None:
        if (line.position, line.index) <= self._place:
            raise Fault("an event stands before one that came earlier", line.position)
        self._place = (line.position, line.index)
        self._demand_own(line)
        leaf = leaf_of(line)
        self.own_events += 1
        self._grow(leaf)

    def _demand_own(self, line: LeafLine) -> None:
        event = read_event(line)
        match event.get("type"):
            case "company_registered":
                own = event.get("company", {}).get("id") == self._company
                self._registered = self._registered or own
            case "reservation_confirmed" | "reservation_held" | "reservation_requested" | "reservation_transferred":
                own = event.get("company") == self._company
                self._reservations.add(event.get("reservation_id", ""))
            case _:
                own = event.get("reservation_id") in self._reservations or named_in(event) == self._company
        if not own:
            raise Fault(f"an event does not concern {self.scope}", line.position)

    def _grow(self, leaf: bytes) -> None:
        self.tree.add(leaf)
        self._compare()

    def _compare(self) -> None:
        for checkpoint in self._by_size.get(self.tree.size, ()):
            if checkpoint.root != self.tree.root:
                raise Fault(f"{checkpoint.source} was signed for other events up to here", checkpoint.position)
            self.agreeing += 1


def named_in(event: dict[str, Any]) -> Any:
    """The company that an event names itself, wherever in it that stands; None where it names none."""
    about = next((event[key] for key in NESTED if key in event), event)
    return about.get("company") if isinstance(about, dict) else None


def leaf_of(line: LeafLine) -> bytes:
    """The leaf hash of a line, which must be the one that it states. Raises `Fault`."""
    request = forms.unhex(line.request, "who asked")
    leaf = leaf_hash(line.position, line.entry, line.index, line.time, request, line.event.encode())
    if leaf != forms.unhex(line.hash, "a hash"):
        raise Fault("an event was altered: its hash differs", line.position)
    return leaf


def read_event(line: LeafLine) -> dict[str, Any]:
    """The event of a line. Raises `Fault`."""
    try:
        event: dict[str, Any] = msgspec.json.decode(line.event, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Fault(f"an event cannot be read: {error}", line.position) from error
    return event
