"""P8 in the database: whatever the code in front of it does, a company's transaction sees that company's rows."""

import asyncpg
import pytest

from services.ledger.database import as_owner, connect_readers, connect_writer
from services.ledger.journal import Journal, WrongRoles
from services.ledger.reading import company_snapshot, snapshot
from services.runtime.embedded import Postgres
from tests.ledger.busy import COMPANIES, busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import chained

ADD, CHANGE, SEE, PART = {"INSERT", "SELECT"}, {"INSERT", "SELECT", "UPDATE"}, {"SELECT"}, set[str]()
GRANTS = {
    #                  projector  reader  auditor
    "allocations": (ADD, PART, SEE),
    "archived": (SEE, PART, SEE),
    "balances": (CHANGE, SEE, SEE),
    "checkpoint": (SEE, SEE, SEE),
    "closings": (ADD, SEE, SEE),
    "companies": (ADD, SEE, SEE),
    "journal": (ADD, SEE, SEE),
    "measured_use": (ADD, SEE, SEE),
    "late_fees": (ADD, SEE, SEE),
    "migrations": (SEE, PART, SEE),
    "officers": (ADD, SEE, SEE),
    "months": (SEE, SEE, SEE),
    "pages": (ADD, PART, SEE),
    "quotas": (ADD, SEE, SEE),
    "reservations": (CHANGE, SEE, SEE),
    "resources": (ADD, SEE, SEE),
    "tariffs": (ADD, SEE, SEE),
    "transfers": (ADD, SEE, SEE),
    "tree": (ADD, PART, SEE),
    "notary.checkpoints": (ADD, PART, SEE),
}
"""What each role may do with each whole table."""
COLUMNS = {
    ("aidc_projector", "allocations", "UPDATE"): {"held", "guarded"},
    ("aidc_projector", "checkpoint", "UPDATE"): {"position", "hash", "number", "page_time", "root"},
    ("aidc_reader", "archived", "SELECT"): {
        *("month", "first_position", "last_position", "first_number", "last_number", "last_hash", "archived_at")
    },
    ("aidc_reader", "pages", "SELECT"): {"position", "hash", "writer", "epoch", "time", "events", "number"},
}
"""What a role may do with some columns of a table."""
ROLES = ("aidc_projector", "aidc_reader", "aidc_auditor")


@pytest.fixture
async def busy(ledger: Ledger) -> Ledger:
    """A ledger with the bookings of several companies."""
    ledger.log.pages += chained(busy_centre(60))
    await ledger.fold()
    return ledger


async def test_every_table_is_granted_to_exactly_the_roles_listed(busy: Ledger) -> None:
    """No table is forgotten, none has a right more than the list says, and nobody else has any."""
    async with as_owner(busy.writer) as connection:
        rows = await connection.fetch(_GRANTS)
        columns = await connection.fetch(_COLUMN_GRANTS)
        partitions = await connection.fetch("SELECT relname FROM pg_class WHERE relispartition AND relacl IS NOT NULL")
    tables = {row["name"] for row in rows}
    assert tables == set(GRANTS)
    granted = {(row["name"], row["role"]): set(row["privileges"]) for row in rows if row["role"]}
    listed = {(name, role): rights for name, each in GRANTS.items() for role, rights in zip(ROLES, each, strict=True)}
    assert granted == {key: rights for key, rights in listed.items() if rights}
    assert partitions == [], "a partition is somebody's"
    found = {(row["role"], row["name"], row["privilege"]): set(row["columns"]) for row in columns}
    assert found == COLUMNS


async def test_every_table_with_a_company_is_confined(busy: Ledger) -> None:
    """Row-level security is forced on each of them, for its owner too, and the same two policies stand on each."""
    async with as_owner(busy.writer) as connection:
        tables = await connection.fetch(_CONFINED)
        owned = await connection.fetchval("SELECT count(*) FROM journal")
    assert {row["name"] for row in tables if row["company"]} == {
        "balances",
        "companies",
        "journal",
        "late_fees",
        "measured_use",
        "officers",
        "quotas",
        "reservations",
        "transfers",
    }
    for row in tables:
        policies = ["aidc_auditor: true", f"aidc_reader: {_OWN}"] if row["company"] else []
        assert (row["enabled"], row["forced"]) == (row["company"], row["company"]), row["name"]
        assert row["policies"] == policies, row["name"]
    assert owned == 0, "the owner sees rows"


async def test_a_company_sees_its_own_rows_alone(busy: Ledger) -> None:
    """Without any WHERE, each company finds exactly its rows, and all companies together find every row once."""
    tables = ("balances", "companies", "quotas", "reservations", "transfers")
    for table in tables:
        seen = 0
        for company in COMPANIES:
            async with company_snapshot(busy.readers, company) as connection:
                rows = await connection.fetch(f"SELECT company FROM {table}")
            assert {row["company"] for row in rows} == {company}, table
            seen += len(rows)
        assert await busy.rows(f"SELECT count(*) FROM {table}") == [(seen,)]


@pytest.mark.parametrize("company", ["", "CMP-9999", "' OR true --"])
async def test_nobody_sees_nothing(busy: Ledger, company: str) -> None:
    """A company that is not there sees no row; nor does a connection that forgot to say whose, before or after."""
    async with company_snapshot(busy.readers, company) as connection:
        assert await connection.fetch("SELECT * FROM journal") == []
    async with busy.readers.acquire() as connection:
        assert await connection.fetch("SELECT * FROM transfers") == []


@pytest.mark.parametrize("query", ["SELECT data FROM pages", "SELECT * FROM tree", "SELECT * FROM allocations"])
async def test_what_is_everybodys_is_not_for_a_company(busy: Ledger, query: str) -> None:
    """The bytes of pages, the tree and the bins are out of a company's reach as a whole."""
    async with company_snapshot(busy.readers, COMPANIES[0]) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(query)


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE journal SET actor = 'somebody'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "UPDATE pages SET data = ''",
        "UPDATE transfers SET unit_seconds = 1",
        "DELETE FROM tree",
        "UPDATE notary.checkpoints SET note = ''",
        "DELETE FROM balances",
        "ALTER TABLE journal DISABLE TRIGGER USER",
        "DROP TABLE journal",
    ],
)
async def test_the_projector_cannot_alter_the_past(busy: Ledger, forgery: str) -> None:
    """Who writes the books has no right to change what is written, triggers or not."""
    async with busy.writer.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forgery)


async def test_an_auditor_changes_nothing(busy: Ledger) -> None:
    """Who sees everything may write nothing."""
    async with snapshot(busy.readers) as connection:
        assert await connection.fetchval("SELECT count(*) FROM journal") > 0
    async with busy.writer.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE NONE; SET LOCAL ROLE aidc_auditor")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE balances SET unit_seconds = 0")


async def test_a_login_without_the_roles_is_told_what_to_run(postgres: Postgres, postgres_dsn: str) -> None:
    """A database whose login may not take the roles stops the start, with the file to run."""
    admin = await asyncpg.connect(postgres.superuser_dsn)
    await admin.execute("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD 'secret'")
    address = postgres_dsn.partition("@")[2]
    pool = await connect_writer(f"postgresql://stranger:secret@{address}")
    try:
        with pytest.raises(WrongRoles, match=r"roles\.sql"):
            await Journal(pool).open()
    finally:
        pool.terminate()
        await admin.execute("DROP ROLE stranger")
        await admin.close()


async def test_readers_read_only_themselves(postgres_dsn: str) -> None:
    """A reader's connection refuses to write even where its role could."""
    readers = await connect_readers(postgres_dsn)
    async with readers.acquire() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("CREATE TABLE anything ()")
    readers.terminate()


_OWN = "(company = NULLIF(current_setting('aidc.company'::text, true), ''::text))"

_TABLES = """
    SELECT oid, CASE relnamespace WHEN 'notary'::regnamespace THEN 'notary.' ELSE '' END || relname AS name,
           relacl, relowner, relrowsecurity, relforcerowsecurity
    FROM pg_class
    WHERE relnamespace IN ('ledger'::regnamespace, 'notary'::regnamespace) AND relkind IN ('r', 'p')
      AND NOT relispartition
"""

_GRANTS = f"""
SELECT name, pg_get_userbyid(nullif(grants.grantee, 0)) AS role,
       array_agg(grants.privilege_type) AS privileges
FROM ({_TABLES}) AS tables
LEFT JOIN LATERAL aclexplode(relacl) AS grants ON grants.grantee <> relowner
GROUP BY name, grants.grantee
"""

_COLUMN_GRANTS = f"""
SELECT pg_get_userbyid(grants.grantee) AS role, name, grants.privilege_type AS privilege,
       array_agg(attname::text) AS columns
FROM ({_TABLES}) AS tables
JOIN pg_attribute ON attrelid = tables.oid
CROSS JOIN LATERAL aclexplode(attacl) AS grants
GROUP BY grants.grantee, name, grants.privilege_type
"""

_CONFINED = f"""
SELECT name, relrowsecurity AS enabled, relforcerowsecurity AS forced,
       EXISTS (SELECT FROM pg_attribute WHERE attrelid = tables.oid AND attname = 'company') AS company,
       ARRAY(SELECT role || ': ' || pg_get_expr(polqual, polrelid)
             FROM pg_policy CROSS JOIN LATERAL (SELECT pg_get_userbyid(polroles[1])) AS first (role)
             WHERE polrelid = tables.oid AND polcmd = 'r' AND polpermissive AND cardinality(polroles) = 1
             ORDER BY 1) AS policies
FROM ({_TABLES}) AS tables
"""
