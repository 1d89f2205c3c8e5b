"""Being told to end: Ctrl-C and SIGTERM interrupt every command alike, however it was started."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[None]:
    """While the block lasts, SIGINT and SIGTERM raise KeyboardInterrupt in it, or do what it arranges itself.

    A shell that starts a command in the background has it ignore SIGINT, which is undone here. Signals are the main
    thread's; in any other nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Python's own handler, by which asyncio knows that it may put one in its place that ends tasks in order.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, _as_interrupted)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _as_interrupted(_: int, __: FrameType | None) -> None:
    """Do what Ctrl-C does at this moment."""
    signal.raise_signal(signal.SIGINT)
