"""The rival is a fair one: what it books is booked once."""

import asyncio
import itertools

import asyncpg

from loadtests import rival
from loadtests.workload import COMPANIES, HOUR_SECONDS, UNITS, Demand, demands

NOW = 1_772_496_000


async def test_the_rival_books_until_it_is_full(postgres_dsn):
    """Competing bookings of one hour take every unit once, and then no more."""
    await rival.prepare(postgres_dsn)
    connections = [await asyncpg.connect(postgres_dsn) for _ in range(4)]
    hour = Demand(COMPANIES[0], NOW, NOW + HOUR_SECONDS, 100)

    async def book(connection: asyncpg.Connection) -> int:
        return sum([await rival.book(connection, hour) for _ in range(UNITS // 100 // 4 + 2)])

    granted = sum(await asyncio.gather(*map(book, connections)))
    taken = await connections[0].fetchval("SELECT count(DISTINCT unit) FROM booking")
    for connection in connections:
        await connection.close()
    assert taken == granted * 100 <= UNITS


async def test_the_rival_grants_what_there_is_room_for(postgres_dsn):
    """An empty pool refuses nothing."""
    await rival.prepare(postgres_dsn)
    connection = await asyncpg.connect(postgres_dsn)
    granted = [await rival.book(connection, wish) for wish in itertools.islice(demands(1, NOW, COMPANIES[0]), 50)]
    await connection.close()
    assert all(granted)
