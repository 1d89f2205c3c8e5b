"""Long looking around, in steps: whoever runs it may let others have their turn between any two of them. Pure.

A step takes a fraction of a millisecond. Between steps the centre may change. Whoever let it change sends the time that
it is then, in seconds; else nothing is sent. What was found before is then asked again, all of it in the last step: so
an answer is always of one state, that at its end.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

Answer = TypeVar("Answer")

Steps = Generator[None, int | None, Answer]


def at_once(steps: Steps[Answer]) -> Answer:
    """Take all steps without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


def noting(steps: Steps[Answer], note: Callable[[int], None]) -> Steps[Answer]:
    """The same steps; `note` is told the time, whenever the centre may have changed."""
    passed: int | None = None
    while True:
        try:
            steps.send(passed)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        passed = yield
        if passed is not None:
            note(passed)
