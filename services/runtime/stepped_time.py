"""Time that another process moves, from one moment to the next: for replays that must not depend on how fast we are.

Two numbers in a file that both have mapped: the time that is shown, and the time up to which whoever lives by it has
done all that was due. Microseconds since 1970-01-01 UTC.
"""

import mmap
from pathlib import Path

SHOWN, LIVED = 0, 1
FILE_BYTES = 16


class SteppedTime:
    """The file, mapped. A number is eight aligned bytes, so nobody ever reads half of one."""

    def __init__(self, path: Path) -> None:
        """Map a file that `create` made. Raises OSError, or ValueError for one of another size."""
        with path.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        if len(memory) != FILE_BYTES:
            raise ValueError(f"names a file that is not {FILE_BYTES} bytes long")
        self._numbers = memoryview(memory).cast("q")

    @classmethod
    def create(cls, path: Path, moment: int) -> "SteppedTime":
        """A new file that shows a moment."""
        path.write_bytes(bytes(FILE_BYTES))
        made = cls(path)
        made.show(moment)
        return made

    @property
    def shown(self) -> int:
        """The time that it is."""
        return self._numbers[SHOWN]

    @property
    def lived(self) -> int:
        """Up to when everything due has happened; 0 at first."""
        return self._numbers[LIVED]

    def show(self, moment: int) -> None:
        """Let it be a moment. Time never runs backwards."""
        self._numbers[SHOWN] = max(moment, self.shown)

    def live(self, moment: int) -> None:
        """Everything due up to a moment has happened."""
        self._numbers[LIVED] = moment
