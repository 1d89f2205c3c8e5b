"""Fixtures of the verifier's tests."""

from pathlib import Path

import pytest

from tests.audit.exports import Notarised
from tests.ledger.pages import cancelled, chained, company, confirmed, entry, held, hours, moved, pool

FIRST = confirmed("r1", held([0, 1], hours(2, 4)))
SECOND = (moved("r1", held([2, 3], hours(2, 4))), confirmed("r2", held([0], hours(1, 9)), by="CMP-0002"))


@pytest.fixture
def small(tmp_path: Path) -> Notarised:
    """Five pages, one of them empty; in the third, one company's booking moves the other's."""
    pages = chained(
        [
            (),
            (entry(pool(), company(), company("CMP-0002"), actor="operator"),),
            (entry(FIRST, request_id="q1"), entry(*SECOND, actor="CMP-0002", request_id="q2")),
            (entry(cancelled("r1", "계획 변경")),),
            (entry(confirmed("r3", held([7], hours(1, 9)))),),
        ]
    )
    return Notarised(pages, tmp_path / "keys")


OWN = [False, True, False, True, True, False, True, True]
"""Which events of `small` are CMP-0001's."""
