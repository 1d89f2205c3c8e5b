"""What the tables say is shown by a test is shown by a test that there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLES = ("tests/scheduler/BAD_REQUESTS.md", "docs/security.md")
NAMED = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


@pytest.mark.parametrize("table", TABLES)
def test_every_test_of_a_table_is_there(table: str) -> None:
    """Each is found in a file of the name that the table gives."""
    named = set(NAMED.findall((ROOT / table).read_text()))
    files = [(path.name, path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")]
    written = {(file, name) for file, text in files for name in re.findall(r"def (test_\w+)", text)}
    assert len(named) > 40
    assert named - written == set()
