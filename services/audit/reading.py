"""What both kinds of export have in common: a tree that grows line by line, and checkpoints to hold it against."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from msgspec import Struct

from services.audit.faults import Fault
from services.audit.forms import Line
from services.audit.notes import Checkpoint
from services.audit.tree import Tree


class Verdict(Struct, frozen=True, kw_only=True):
    """All is well: what was read, what signs for it, and how many checkpoints kept elsewhere say the same."""

    scope: str
    events: int
    own_events: int
    checkpoint: Checkpoint
    agreeing: int
    later: int


class Reading(ABC):
    """What the lines so far add up to, with what the checkpoints say that were kept elsewhere."""

    def __init__(self, scope: str, kept: Sequence[Checkpoint]) -> None:
        self.tree = Tree()
        self.own_events = 0
        self.scope = scope
        self.kept = kept
        self.agreeing = 0

    @property
    @abstractmethod
    def where(self) -> str:
        """How far the lines have been read."""

    @abstractmethod
    def take(self, line: Line) -> None:
        """Take the next line. Raises `Fault`."""

    @abstractmethod
    def close(self, closing: Checkpoint) -> None:
        """Compare all lines with the checkpoint at the end. Raises `Fault`."""

    @abstractmethod
    def reaches(self, checkpoint: Checkpoint) -> bool:
        """Whether the lines go as far as a checkpoint."""

    def verdict(self, closing: Checkpoint, older: bool) -> Verdict:
        """Compare with what was kept and lies beyond the end."""
        for checkpoint in self.kept:
            if checkpoint.origin != closing.origin:
                raise Fault(f"{checkpoint.source} is of {checkpoint.origin}, the export of {closing.origin}")
        beyond = [checkpoint for checkpoint in self.kept if not self.reaches(checkpoint)]
        for checkpoint in beyond:
            if not older or checkpoint.time < closing.time:
                raise Fault(
                    f"the export ends at position {closing.position}, but {checkpoint.source} goes to position"
                    f" {checkpoint.position}: pages are missing, or the export is older (then say --older)",
                    closing.position + 1,
                )
        return Verdict(
            scope=self.scope,
            events=self.tree.size,
            own_events=self.own_events,
            checkpoint=closing,
            agreeing=self.agreeing,
            later=len(beyond),
        )
