"""Garbage collection for processes with a large, long-lived state of frozen values.

The collector's full passes walk everything that is alive, which would stop a service for tens of milliseconds again and
again. Values in the state cannot form cycles, so reference counts do almost all of the work.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_MAX = 5_000
"""Allocations, less deallocations, between two passes over the youngest objects. A pass then takes about a millisecond.
Seldom is not cheaper: 200,000 no longer fit the processor's cache, and a pass stops a busy scheduler for a tenth of a
second."""
PASSES_BETWEEN = 50
"""Passes over one generation between two passes over the next."""


@contextmanager
def paused() -> Iterator[None]:
    """Collect nothing within the block, such as a replay, and take what it made for permanent."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def tune() -> None:
    """Look at what is new in small portions, at the rest seldom, and never at what is there already."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, PASSES_BETWEEN, PASSES_BETWEEN)


@contextmanager
def tuned() -> Iterator[None]:
    """Within the block, look as a service does: for whoever measures what a service would take."""
    before = gc.get_threshold()
    gc.collect()
    tune()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
