"""BAD_REQUESTS.md says what is true: the rows that it names are sent (`test_documents.py` looks for its tests)."""

import re
from pathlib import Path

from tests.scheduler.test_grpc_bad_requests import ROWS

TABLE = (Path(__file__).parent / "BAD_REQUESTS.md").read_text()
BY_NATURE = 1
"""Rows that say what is not done, and why; no test shows that."""


def shown_by() -> list[str]:
    """The last column of every row."""
    rows = [line.split("|") for line in TABLE.splitlines() if line.startswith("| ")]
    return [cells[3] for cells in rows if cells[3].strip() not in ("shown by", "---")]


def test_every_row_of_the_table_is_sent() -> None:
    """A row of the single requests that is named is sent, and no row of the table is without a test."""
    cells = shown_by()
    named = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if "::" not in name}
    assert named - {name for name, *_ in ROWS} == set()
    assert sum("`" not in cell for cell in cells) == BY_NATURE
    assert len(cells) > 50
