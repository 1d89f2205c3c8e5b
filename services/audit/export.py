"""Verifies an export, line by line: in order, nothing missing, nothing altered, and all of it what was signed."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from services.audit import forms
from services.audit.faults import Fault
from services.audit.forms import Closing, LeafLine, Opening, PageLine, RedactedLine
from services.audit.keys import PublicKey
from services.audit.leaves import leaf_hash, page_leaves, read_page
from services.audit.notes import Checkpoint, read_checkpoint
from services.audit.tree import Tree

GENESIS = "0" * 64
HASH_DIGITS = 64
COMPANIES = "companies/"


class Verdict(Struct, frozen=True, kw_only=True):
    """All is well: what was read, what signs for it, and how many checkpoints kept elsewhere say the same."""

    scope: str
    events: int
    own_events: int
    checkpoint: Checkpoint
    agreeing: int
    later: int


def verify_export(
    lines: Iterable[bytes], keys: Sequence[PublicKey], kept: Sequence[Checkpoint] = (), older: bool = False
) -> Verdict:
    """Verify an export against public keys and the checkpoints kept elsewhere. Raises `Fault` at the first bad place.

    The export must reach every kept checkpoint, unless it may be `older` than some.
    """
    reading: _Reading | None = None
    closing: Checkpoint | None = None
    for number, data in enumerate(lines, 1):
        where = f" (after {reading.where})" if reading else ""
        line = forms.read_line(data, f"line {number}{where}")
        if reading is None:
            reading = _open(line, kept)
        elif closing is not None:
            raise Fault(f"line {number} comes after the end")
        elif isinstance(line, Closing):
            closing = read_checkpoint(line.note, keys, "the checkpoint at the end")
            reading.close(closing)
        else:
            reading.take(line)
    if reading is None or closing is None:
        raise Fault(f"the export is cut off after {reading.where if reading else 'nothing'}: its checkpoint is missing")
    return reading.verdict(closing, older)


def _open(line: Any, kept: Sequence[Checkpoint]) -> "_Reading":
    if not isinstance(line, Opening) or line.version != forms.VERSION:
        raise Fault(f"this is no export of version {forms.VERSION}")
    if line.scope == forms.WHOLE_CENTRE:
        return _WholeCentre(line.scope, kept)
    if not line.scope.startswith(COMPANIES):
        raise Fault(f"this is no export: {line.scope} is no company")
    return _OneCompany(line.scope, kept)


class _Reading:
    """What the lines so far add up to."""

    def __init__(self, scope: str, kept: Sequence[Checkpoint]) -> None:
        self.tree = Tree()
        self.own_events = 0
        self._scope = scope
        self._kept = kept
        self._agreeing = 0

    @property
    def where(self) -> str:
        raise NotImplementedError

    def take(self, line: Any) -> None:
        raise NotImplementedError

    def close(self, closing: Checkpoint) -> None:
        raise NotImplementedError

    def reaches(self, checkpoint: Checkpoint) -> bool:
        raise NotImplementedError

    def verdict(self, closing: Checkpoint, older: bool) -> Verdict:
        """Compare with what was kept and lies beyond the end."""
        for checkpoint in self._kept:
            if checkpoint.origin != closing.origin:
                raise Fault(f"{checkpoint.source} is of {checkpoint.origin}, the export of {closing.origin}")
        beyond = [checkpoint for checkpoint in self._kept if not self.reaches(checkpoint)]
        for checkpoint in beyond:
            if not older or checkpoint.time < closing.time:
                raise Fault(
                    f"the export ends at position {closing.position}, but {checkpoint.source} goes to position"
                    f" {checkpoint.position}: pages are missing, or the export is older (then say --older)",
                    closing.position + 1,
                )
        return Verdict(
            scope=self._scope,
            events=self.tree.size,
            own_events=self.own_events,
            checkpoint=closing,
            agreeing=self._agreeing,
            later=len(beyond),
        )


class _WholeCentre(_Reading):
    """All pages: the chain says which page is bad, and the tree that its events are what was signed."""

    def __init__(self, scope: str, kept: Sequence[Checkpoint]) -> None:
        super().__init__(scope, kept)
        self._position = 0
        self._page = GENESIS
        self._epoch = 0
        self._centre = ""
        self._by_position: dict[int, list[Checkpoint]] = {}
        for checkpoint in kept:
            self._by_position.setdefault(checkpoint.position, []).append(checkpoint)

    @property
    def where(self) -> str:
        return f"position {self._position}"

    def take(self, line: Any) -> None:
        position = self._position + 1
        if not isinstance(line, PageLine) or line.position != position:
            raise Fault("this page is missing, or another stands in its place", position)
        data = line.page.encode()
        page = read_page(data, position)
        if page.previous != self._page:
            raise Fault(
                "this page was altered, or the next one is not its successor: their hashes differ", position - 1 or 1
            )
        if self._centre not in ("", page.centre) or page.epoch < self._epoch:
            raise Fault("this page is of another centre, or of an epoch that was over", position)
        for leaf in page_leaves(page, position):
            self.tree.add(leaf)
        self._position, self._page = position, sha256(data).hexdigest()
        self._centre, self._epoch = page.centre, page.epoch
        self.own_events = self.tree.size
        for checkpoint in self._by_position.get(position, ()):
            self._compare(checkpoint)

    def close(self, closing: Checkpoint) -> None:
        if closing.position != self._position:
            raise Fault(f"the export ends here, its checkpoint is for position {closing.position}", self._position + 1)
        if self._position and closing.origin != f"aidc/{self._centre}":
            raise Fault(f"the pages are of centre {self._centre}, the checkpoint is of {closing.origin}")
        self._compare(closing)
        self._agreeing -= 1

    def reaches(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.position <= self._position

    def _compare(self, checkpoint: Checkpoint) -> None:
        if (checkpoint.size, checkpoint.root, checkpoint.page) != (self.tree.size, self.tree.root, self._page):
            raise Fault(f"{checkpoint.source} was signed for other pages up to here", self._position)
        self._agreeing += 1


class _OneCompany(_Reading):
    """One company's events in full, and hashes for the rest: the tree says that they are what was signed."""

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

    def take(self, line: Any) -> None:
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
            raise Fault(f"the export is not that of {self._scope}: nothing in it registers the company")
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
            case "quota_granted":
                own = event.get("quota", {}).get("company") == self._company
            case "reservation_confirmed":
                own = event.get("company") == self._company
                self._reservations.add(event.get("reservation_id", ""))
            case _:
                own = event.get("reservation_id") in self._reservations
        if not own:
            raise Fault(f"an event does not concern {self._scope}", line.position)

    def _grow(self, leaf: bytes) -> None:
        self.tree.add(leaf)
        self._compare()

    def _compare(self) -> None:
        for checkpoint in self._by_size.get(self.tree.size, ()):
            if checkpoint.root != self.tree.root:
                raise Fault(f"{checkpoint.source} was signed for other events up to here", checkpoint.position)
            self._agreeing += 1


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
