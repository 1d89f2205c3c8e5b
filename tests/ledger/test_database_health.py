"""Postgres's own statistics, read from a real one, and honesty when it does not answer."""

from prometheus_client import CollectorRegistry

from services.ledger.database import connect_readers
from services.ledger.database_health import DatabaseHealth
from tests.ledger.busy import busy_centre
from tests.ledger.folding import Ledger
from tests.ledger.pages import chained


class Clock:
    """Shows what it is told to."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def shown(health: DatabaseHealth) -> CollectorRegistry:
    """A registry that shows the statistics, as a scrape finds them."""
    registry = CollectorRegistry()
    registry.register(health)
    return registry


async def test_statistics_are_those_of_this_database(ledger: Ledger) -> None:
    """Size, tables, transactions and blocks move with what the ledger writes, table by table."""
    ledger.log.pages += chained(busy_centre(40))
    await ledger.fold()
    health = DatabaseHealth(ledger.readers, Clock())
    await health.read()
    registry = shown(health)
    bytes_ = registry.get_sample_value("alloc_db_table_bytes", {"table": "journal"})
    size = registry.get_sample_value("alloc_db_size_bytes")
    assert bytes_ is not None
    assert size is not None
    assert 8_192 <= bytes_ < size
    for name, labels in {
        "alloc_db_transactions_total": {"outcome": "committed"},
        "alloc_db_blocks_total": {"source": "memory"},
        "alloc_db_backends": {},
    }.items():
        assert (registry.get_sample_value(name, labels) or 0) > 0, name
    assert registry.get_sample_value("alloc_db_deadlocks_total") == 0
    assert registry.get_sample_value("alloc_collector_success", {"collector": "postgres"}) == 1


async def test_a_silent_postgres_is_told_and_the_last_figures_kept(ledger: Ledger) -> None:
    """While Postgres is away the reading fails, its age grows, and nothing is made up."""
    await ledger.fold()
    clock = Clock()
    health = DatabaseHealth(ledger.readers, clock)
    await health.read()
    away = await connect_readers("postgresql://nobody@127.0.0.1:9/none")
    health._readers = away
    clock.seconds += 60
    await health.read()
    registry = shown(health)
    assert registry.get_sample_value("alloc_collector_success", {"collector": "postgres"}) == 0
    assert registry.get_sample_value("alloc_collector_data_age_seconds", {"collector": "postgres"}) == 60
    assert (registry.get_sample_value("alloc_db_size_bytes") or 0) > 0
    away.terminate()


async def test_before_the_first_reading_there_are_no_figures(ledger: Ledger) -> None:
    """Nothing is shown as zero that was never read."""
    registry = shown(DatabaseHealth(ledger.readers, Clock()))
    assert registry.get_sample_value("alloc_db_size_bytes") is None
    assert registry.get_sample_value("alloc_collector_success", {"collector": "postgres"}) == 0
