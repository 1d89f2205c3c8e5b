"""A year of the centre, read from Postgres: its report, and its log of the use of equipment."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from services.ledger.archived import demand_events
from services.ledger.batch import Checkpoint
from services.ledger.reading import company_snapshot, snapshot
from services.ledger.reporting.balances import balances_of_all
from services.ledger.reporting.report import Member, Report, report_of
from services.ledger.reporting.summary import Thing
from services.ledger.reporting.views import View, after, demand_company, known

MONTHS = 12
USE_LOG_PAGE_DEFAULT, USE_LOG_PAGE_MAX = 100, 1_000


class Use(Struct, frozen=True, kw_only=True):
    """One booking's use of one piece of equipment. `number` is that of the event that booked it."""

    number: int
    resource: str
    resource_name: str
    starts_at: datetime
    ends_at: datetime
    unit_seconds: int
    company: str
    organisation: str
    organisation_type: str
    user: str
    staff_seconds: int
    krw: int
    reservation: str
    people: int


async def year_report(readers: asyncpg.Pool, year: int, view: View) -> tuple[Checkpoint, Report]:
    """What all companies were granted, used and gave back in the books of a year's months."""
    first, last = _periods(year)
    async with snapshot(readers) as connection:
        standing = await known(connection, view)
        bounds = (after(view), standing.number)
        amounts = await balances_of_all(connection, *bounds, first, last)
        members = [Member(**row) for row in await connection.fetch(_MEMBERS, first, last, *bounds)]
        things = {row["resource"]: Thing(**row) for row in await connection.fetch(_THINGS)}
    return standing, report_of(members, amounts, things)


async def equipment_use(
    readers: asyncpg.Pool, company: str, year: int, view: View, place: tuple[int, str], size: int
) -> tuple[Checkpoint, list[Use]]:
    """The first `size` uses after a place, of a company, or of all where it is empty.

    Raises `NotFound` or `Archived`.
    """
    async with company_snapshot(readers, company) if company else snapshot(readers) as connection:
        if company:
            await demand_company(connection, company)
        standing = await known(connection, view)
        rows = await connection.fetch(_USES, company, *_periods(year), standing.number, *place, size)
        await demand_events(connection, [row["number"] for row in rows if row["user"] is None])
        return standing, [Use(**row) for row in rows]


def _periods(year: int) -> tuple[int, int]:
    return year * 100 + 1, year * 100 + MONTHS


_THINGS = "SELECT resource, display_name, kind, unit, units_each FROM resources"

_MEMBERS = """
SELECT companies.company, industry, programme, region, coalesce(booked.bookings, 0) AS bookings,
       coalesce(taught.people, 0)::bigint AS people
FROM companies
LEFT JOIN (
    SELECT company, sum(reservations.people) AS people
    FROM (
        SELECT DISTINCT company, reservation
        FROM transfers
        WHERE period BETWEEN $1 AND $2 AND to_account = 'used' AND time < $3 AND number <= $4
    ) AS used
    JOIN reservations USING (company, reservation)
    GROUP BY company
) AS taught ON taught.company = companies.company
LEFT JOIN (
    SELECT transfers.company, count(DISTINCT coalesce(nullif(first_reservation, ''), reservation)) AS bookings
    FROM transfers
    JOIN reservations USING (reservation)
    WHERE period BETWEEN $1 AND $2 AND to_account = 'booked' AND time < $3 AND number <= $4
    GROUP BY transfers.company
) AS booked ON booked.company = companies.company
WHERE companies.number <= $4
"""

# What was used, and what it cost, is what the entries of the booking say; who booked it, the event that did.
_USES = """
SELECT reservations.confirmed_number AS number, used.resource, resources.display_name AS resource_name,
       reservations.starts_at, reservations.ends_at, used.unit_seconds, used.company,
       companies.display_name AS organisation, companies.stage AS organisation_type, journal.actor AS user,
       coalesce(staff.unit_seconds, 0) AS staff_seconds, used.krw, used.reservation,
       reservations.people
FROM (
    SELECT company, reservation, resource, sum(unit_seconds)::bigint AS unit_seconds, sum(krw)::bigint AS krw
    FROM transfers JOIN resources USING (resource)
    WHERE ($1 = '' OR company = $1) AND period BETWEEN $2 AND $3 AND transfers.number <= $4
      AND kind = 'equipment' AND to_account = 'used'
    GROUP BY company, reservation, resource
) AS used
JOIN reservations USING (reservation)
JOIN companies ON companies.company = used.company
JOIN resources USING (resource)
LEFT JOIN journal ON journal.number = reservations.confirmed_number
LEFT JOIN LATERAL (
    SELECT sum(transfers.unit_seconds)::bigint AS unit_seconds
    FROM transfers JOIN resources AS staffed USING (resource)
    WHERE transfers.company = used.company AND transfers.reservation = used.reservation
      AND period BETWEEN $2 AND $3 AND transfers.number <= $4 AND staffed.kind = 'operators' AND to_account = 'used'
) AS staff ON true
WHERE (reservations.confirmed_number, used.resource) > ($5, $6)
ORDER BY reservations.confirmed_number, used.resource
LIMIT $7
"""
