"""An export of everything: the chain says which page is bad, and the tree that its events are what was signed."""

from collections.abc import Sequence
from hashlib import sha256

from services.audit.faults import Fault
from services.audit.forms import Line, PageLine
from services.audit.leaves import page_leaves, read_page
from services.audit.notes import Checkpoint
from services.audit.reading import Reading

GENESIS = "0" * 64


class WholeCentre(Reading):
    """All pages up to some position."""

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

    def take(self, line: Line) -> None:
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
        self.agreeing -= 1

    def reaches(self, checkpoint: Checkpoint) -> bool:
        return checkpoint.position <= self._position

    def _compare(self, checkpoint: Checkpoint) -> None:
        if (checkpoint.size, checkpoint.root, checkpoint.page) != (self.tree.size, self.tree.root, self._page):
            raise Fault(f"{checkpoint.source} was signed for other pages up to here", self._position)
        self.agreeing += 1
