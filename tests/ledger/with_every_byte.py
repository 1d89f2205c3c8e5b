"""Every byte of an archive's tables, changed one after the other: `make ledger-check` runs it, for it takes minutes."""

import pytest

from services.audit.archive import verify_archive
from services.audit.faults import Fault
from services.ledger.archives.form import TABLES
from tests.ledger.months import Months, months
from tests.ledger.test_archive_mutations import mutants

__all__ = ["months"]


@pytest.mark.timeout(900)
async def test_every_single_byte_of_a_table_is_found(months: Months) -> None:
    """Not one byte of a month's pages, events or link can be another."""
    folder = await months.archive("2026-04")
    for name in TABLES:
        path, honest = folder / name, (folder / name).read_bytes()
        for mutant in mutants(path, stride=1):
            path.write_bytes(mutant)
            with pytest.raises(Fault):
                verify_archive(folder, months.public)
        path.write_bytes(honest)
    verify_archive(folder, months.public)
