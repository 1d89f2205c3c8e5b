"""How a command ends when it does not simply succeed, and the exit status that says so to programs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

DONE = 0
FAILED = 1
REFUSED = 2
UNKNOWN = 3


class Failed(Exception):
    """The command cannot be carried out. The message is one line that says what to do."""


@dataclass(eq=False)
class Refused(Exception):
    """A definite no, with every rule that said it, and what would be granted instead."""

    message: str
    violations: Sequence[api.Violation] = ()
    alternatives: Sequence[api.Offer] = ()
    smallest_changes: Sequence[api.SmallestChange] = ()

    def __str__(self) -> str:
        return self.message


@dataclass(eq=False)
class Unanswered(Exception):
    """Nobody knows whether it happened: the same request id, sent again, tells."""

    message: str
    request_id: str = field(default="")

    def __str__(self) -> str:
        return self.message


def because(problem: Exception) -> str:
    """What is wrong with a file, without the system's number and without its name, which is told anyway."""
    return (isinstance(problem, OSError) and problem.strerror) or str(problem)
