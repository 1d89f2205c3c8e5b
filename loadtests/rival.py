"""The usual alternative: bookings in Postgres, kept apart by a range-exclusion constraint.

Written as a competent engineer would who wants it fast: one statement and one round trip a booking, a search for free
units that begins at a random one (so that two bookings seldom want the same) and stops as soon as it has enough, and
another try when they did. It is called over gRPC, as the scheduler is (`rival_server`). What the scheduler does beyond
that is left out, in the rival's favour: there is no token, no request id, no quota and no other rule.
"""

import random
from datetime import UTC, datetime

import asyncpg

from loadtests.workload import UNITS, Demand

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

ATTEMPTS_MAX = 10

SCHEMA = f"""
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE unit (id integer PRIMARY KEY);
INSERT INTO unit SELECT generate_series(1, {UNITS});
CREATE TABLE booking (
    unit    integer   NOT NULL,
    slot    tstzrange NOT NULL,
    company text      NOT NULL,
    EXCLUDE USING gist (unit WITH =, slot WITH &&)
);
ANALYZE unit;
"""

BOOK = """
WITH free AS MATERIALIZED (
    SELECT id FROM unit
     WHERE id > $1
       AND NOT EXISTS (SELECT FROM booking WHERE booking.unit = unit.id AND booking.slot && tstzrange($2, $3))
     ORDER BY id
     LIMIT $4
)
INSERT INTO booking (unit, slot, company)
SELECT id, tstzrange($2, $3), $5 FROM free WHERE (SELECT count(*) FROM free) = $4
RETURNING unit
"""


async def prepare(dsn: str) -> None:
    """Make the tables, empty."""
    connection = await asyncpg.connect(dsn)
    try:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.execute(SCHEMA)
    finally:
        await connection.close()


async def book(connection: Connection, demand: Demand) -> bool:
    """Book a demand durably; whether there was room. Raises what Postgres raises, other than a conflict."""
    start, end = (datetime.fromtimestamp(time, UTC) for time in (demand.start, demand.end))
    after = random.randrange(UNITS)
    for _ in range(ATTEMPTS_MAX):
        try:
            units = await connection.fetch(BOOK, after, start, end, demand.units, demand.company)
        except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError):
            after = random.randrange(UNITS)
            continue
        if units:
            return True
        after = 0 if after else random.randrange(UNITS)
    return False
