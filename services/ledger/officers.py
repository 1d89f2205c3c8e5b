"""Which support officer may act for a company: by the log, at the time that it has come to."""

import asyncpg

from services.ledger.answering import failures
from services.ledger.reading import snapshot
from services.runtime.reception import ActsFor


def officers_of(readers: asyncpg.Pool) -> ActsFor:
    """Who may act for which company. Asking raises `Problem` while the database is away."""

    async def acts_for(officer: str, company: str) -> bool:
        with failures(f"companies/{company}"):
            async with snapshot(readers) as connection:
                return bool(await connection.fetchval(_ACTS, company, officer))

    return acts_for


_ACTS = """
SELECT officers.starts_at <= checkpoint.page_time AND checkpoint.page_time < officers.ends_at
FROM officers CROSS JOIN checkpoint
WHERE officers.company = $1 AND officers.officer = $2
ORDER BY officers.number DESC
LIMIT 1
"""
