"""The dashboards are what the code makes, explain themselves, and ask only for metrics that exist.

`make dashboards-check` also puts every query to a real Prometheus; what is promised here holds without one.
"""

import json
import re
from typing import Any

import pytest

from deploy.grafana.source.__main__ import DASHBOARDS, FOLDER, text_of
from services.metrics.catalogue import METRICS
from tests.metrics.test_rules import ROOT, RULES

BOARDS: dict[str, dict[str, Any]] = {name: json.loads((FOLDER / f"{name}.json").read_text()) for name in DASHBOARDS}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
KNOWN_ELSEWHERE = {
    "up",
    "ALERTS",
    "scrape_duration_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
}
"""What Prometheus itself and its client library say."""


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_files_are_what_the_code_makes(name: str) -> None:
    """Nobody edits the JSON: `python -m deploy.grafana.source` writes it."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text_of(DASHBOARDS[name]())


def test_there_are_five_for_any_prometheus() -> None:
    """Each has an address of its own that links can rely on, and lets its reader choose the data source."""
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 5
    for board in BOARDS.values():
        assert board["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """Every panel has a title, a sentence, a query, a word for nothing, and a place within the width of the screen."""
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert all(target["expr"] for target in panel["targets"])
    assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_exists(panel: dict[str, Any]) -> None:
    """Every metric and every recorded name in a query is exported or recorded by somebody."""
    exported = {metric.name for metric in METRICS} | KNOWN_ELSEWHERE | {rule.get("record") for rule in RULES}
    telemetry = "".join(path.read_text() for path in (ROOT / "services").glob("*/*.py"))
    for target in panel["targets"]:
        for name in re.findall(r"\b(?:[a-z]+:)?(?:alloc|grpc_server|process|scrape)[a-z_0-9:]+", target["expr"]):
            family = re.sub("_(bucket|count|sum)$", "", name)
            assert name in exported or f'"{family}"' in telemetry, name


def test_no_panel_covers_another() -> None:
    """Panels of one dashboard lie beside and below one another."""
    for board in BOARDS.values():
        cells = [
            (x, y)
            for panel in board["panels"]
            for place in [panel["gridPos"]]
            for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
            for y in range(place.get("y", 0), place.get("y", 0) + place["h"])
        ]
        assert len(cells) == len(set(cells)), board["title"]
