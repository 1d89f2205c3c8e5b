"""The exposition: it parses, its names keep the rules, every metric is in the catalogue, and it stays within bounds."""

import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from services.eventlog.page import decode_page
from services.metrics.catalogue import METRICS, METRICS_MAX, POOLS_MAX, SERIES_MAX
from services.metrics.figures import COMPANY_LABELS_MAX, LabelLimits
from services.metrics.left_out import LEFT_OUT
from tests.metrics.scrape import Centre
from tests.metrics.synthetic import chained

ROOT = Path(__file__).parents[2]
BASE_UNITS = ("seconds", "units", "unit_seconds", "bytes", "messages", "ratio", "")


@pytest.fixture(scope="module")
def small() -> Centre:
    """A centre of three companies and two pools after 250 reservations."""
    return Centre(companies=3, pools=2, reservations=250)


@pytest.fixture(scope="module")
def large() -> Centre:
    """A centre as large as the bounds speak of, and somewhat larger in what appears in it."""
    return Centre(companies=COMPANY_LABELS_MAX + 50, pools=POOLS_MAX, reservations=20_000, meters=4)


def series(scraped: str) -> dict[str, list[dict[str, str]]]:
    """The labels of every series, by the name that stands in the text."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(scraped):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_every_exported_metric_is_in_the_catalogue_and_vice_versa(small: Centre) -> None:
    """The table is the whole truth: names, types, labels and help."""
    scraped = small.scrape()
    assert set(series(scraped)) == {metric.name for metric in METRICS}
    for metric in METRICS:
        assert f"# TYPE {metric.name} {metric.type}\n" in scraped
        assert f"# HELP {metric.name} {metric.help}\n" in scraped
        for labels in series(scraped)[metric.name]:
            assert tuple(sorted(labels)) == tuple(sorted(metric.labels))


def test_names_keep_the_rules() -> None:
    """One prefix, base units at the end, `_total` on counters only, a sentence of help, and no name twice."""
    assert len({metric.name for metric in METRICS}) == len(METRICS) <= METRICS_MAX
    for metric in METRICS:
        assert re.fullmatch(r"alloc_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.type == "counter")
        assert metric.unit in BASE_UNITS
        assert metric.name.removesuffix("_total").endswith(metric.unit)
        assert metric.help.endswith(".")


def test_no_series_appears_twice(large: Centre) -> None:
    """Every series has labels of its own, overflow included."""
    for labels in series(large.scrape()).values():
        assert len({tuple(sorted(values.items())) for values in labels}) == len(labels)


def test_series_stay_within_their_bounds(large: Centre) -> None:
    """No metric exceeds its bound, the bounds stay within the budget, and `alloc_series` says how many there are."""
    scraped = large.scrape()
    counted = {
        sample.labels["metric"]: int(sample.value)
        for family in text_string_to_metric_families(scraped)
        for sample in family.samples
        if sample.name == "alloc_series"
    }
    found = series(scraped)
    for metric in METRICS:
        assert len(found[metric.name]) <= metric.series_max, metric.name
        assert counted[metric.name] == len(found[metric.name])
    assert sum(metric.series_max for metric in METRICS) <= SERIES_MAX


def test_a_metric_that_would_pass_its_bound_is_cut_and_says_so() -> None:
    """With more labels than were budgeted for, a scrape stays within the budget and counts what it left out."""
    crowded = Centre(companies=900, pools=POOLS_MAX, reservations=6_000, limits=LabelLimits(accounts=10_000))
    scraped = crowded.scrape()
    found = series(scraped)
    extents = {
        (sample.name, sample.labels["metric"]): sample.value
        for family in text_string_to_metric_families(scraped)
        for sample in family.samples
        if sample.name.startswith("alloc_series")
    }
    (cut,) = {metric for metric in METRICS if metric.name == "alloc_reserved_unit_seconds_total"}
    assert len(found[cut.name]) == cut.series_max == extents["alloc_series_limit", cut.name]
    assert extents["alloc_series_cut", cut.name] == len(crowded.usage.accounts) - cut.series_max > 0
    assert extents["alloc_series_cut", "alloc_pool_info"] == 0
    assert sum(len(labels) for labels in found.values()) <= SERIES_MAX


def test_figures_follow_the_usage(small: Centre) -> None:
    """A scrape after another page shows that page's position."""
    small.usage.apply(small.usage.position + 1, decode_page(chained(iter([]))[0].data))
    assert f'alloc_projection_position{{projection="metrics"}} {float(small.usage.position)}' in small.scrape()


def test_unit_seconds_are_printed_exactly(small: Centre) -> None:
    """The text carries the figures to the unit-second, however large."""
    shown = {
        (sample.labels["company"], sample.labels["pool"]): sample.value
        for family in text_string_to_metric_families(small.scrape())
        for sample in family.samples
        if sample.name == "alloc_used_unit_seconds_total"
    }
    assert shown == {pair: account.used for pair, account in small.usage.accounts.items()}


def test_counters_carry_the_page_that_last_moved_them(small: Centre) -> None:
    """In OpenMetrics a counter's exemplar names the position of a page, which the ledger can show."""
    exemplars = {
        (sample.labels["company"], sample.labels["pool"]): sample.exemplar
        for family in parse_openmetrics(generate_openmetrics(small.registry).decode())
        for sample in family.samples
        if sample.name == "alloc_used_unit_seconds_total"
    }
    for pair, account in small.usage.accounts.items():
        assert exemplars[pair].labels == {"position": str(account.used_at)}


def test_what_is_left_out_is_named_and_nowhere_exported() -> None:
    """The list of what is missing is the one in the handbook, and what has come to be exported has left it."""
    handbook = (ROOT / "deploy" / "prometheus" / "README.md").read_text(encoding="utf-8")
    assert "".join(f"| `{name}` | {why} |\n" for name, why in LEFT_OUT.items()) in handbook
    written = [
        path.read_text(encoding="utf-8") for path in (ROOT / "services").rglob("*.py") if path.stem != "left_out"
    ]
    assert not [name for name in LEFT_OUT if any(f'"{name}"' in text for text in written)]
