"""BAD_REQUESTS.md says what is true: whatever it names as shown is a test that there is."""

import re
from pathlib import Path

from tests.scheduler.test_grpc_bad_requests import ROWS

TESTS = Path(__file__).parents[1]
TABLE = (Path(__file__).parent / "BAD_REQUESTS.md").read_text()
BY_NATURE = 1
"""Rows that say what is not done, and why; no test shows that."""


def shown_by() -> list[str]:
    """The last column of every row."""
    rows = [line.split("|") for line in TABLE.splitlines() if line.startswith("| ")]
    return [cells[3] for cells in rows if cells[3].strip() not in ("shown by", "---")]


def test_every_test_of_the_table_is_there() -> None:
    """Each is found in the file that it is said to be in."""
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)`", TABLE))
    files = [(path.name, path.read_text()) for path in TESTS.rglob("test_*.py")]
    written = {(file, name) for file, text in files for name in re.findall(r"def (test_\w+)", text)}
    assert named - written == set()


def test_every_row_of_the_table_is_sent() -> None:
    """A row of the single requests that is named is sent, and no row of the table is without a test."""
    cells = shown_by()
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if "::" not in name}
    assert named - {name for name, *_ in ROWS} == set()
    assert sum("`" not in cell for cell in cells) == BY_NATURE
    assert len(cells) > 50
