"""The Prometheus rules speak of metrics that exist, and every alert says how bad it is and what to do.

`make metrics-check` also has promtool judge them; what is promised here holds without it.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.metrics.catalogue import METRICS

ROOT = Path(__file__).parents[2]
SCRAPE_SECONDS = 15
FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_name_metrics_that_exist(rule: dict[str, Any]) -> None:
    """Every metric in an expression is exported by one of the services."""
    elsewhere = [path.read_text() for path in (ROOT / "services").glob("*/*.py")]
    catalogue = {metric.name for metric in METRICS}
    for name in re.findall(r"(?<!:)\b(?:alloc|grpc)_[a-z_]+(?=[{\[) ]|$)", rule["expr"]):
        if name not in ("grpc_type", "grpc_code"):
            family = re.sub("_(bucket|count|sum)$", "", name)
            assert name in catalogue or any(f'"{family}"' in text for text in elsewhere), name


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_say_how_bad_and_what_to_do(alert: dict[str, Any]) -> None:
    """An alert has a severity, a sentence, and a section in the run book."""
    assert alert["labels"]["severity"] in ("page", "ticket", "info")
    assert alert["annotations"]["summary"]
    file, _, section = alert["annotations"]["runbook"].partition("#")
    assert section == alert["alert"].lower()
    assert f"### {alert['alert']}\n" in (ROOT / file).read_text()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alerts_are_shown_firing_and_quiet(alert: dict[str, Any]) -> None:
    """Both sides of every alert stand in the tests that promtool runs."""
    cases = [
        case
        for file in ("rules_test.yml", "rules_long_test.yml")
        for test in yaml.safe_load((FOLDER / file).read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert["alert"]
    ]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_ranges_hold_at_least_four_scrapes(rule: dict[str, Any]) -> None:
    """Prometheus 3 leaves the left end of a range out, so a range must never depend on one sample."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    for number, unit in re.findall(r"\[(\d+)([smhd])[]:]", rule["expr"]):
        assert int(number) * seconds[unit] >= 4 * SCRAPE_SECONDS


@pytest.mark.parametrize("file", ["rules_test.yml", "rules_long_test.yml"])
def test_promtool_evaluates_the_groups_in_their_order(file: str) -> None:
    """Without an order promtool takes any, and on Prometheus 3 an alert then misses what was recorded a step before."""
    groups = [group["name"] for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]]
    assert yaml.safe_load((FOLDER / file).read_text())["group_eval_order"] == groups


def test_rules_name_rules_that_exist() -> None:
    """Every recorded name in an expression is recorded."""
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    used = {name for rule in RULES for name in re.findall(r"\b[a-z]+:[a-z_]+:[a-z0-9_]+", rule["expr"])}
    assert used <= recorded


def test_every_severity_has_somebody_to_tell() -> None:
    """The example for Alertmanager routes pages, and names only receivers and alerts that exist."""
    example = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    told = {example["route"]["receiver"]} | {route["receiver"] for route in example["route"]["routes"]}
    assert told == {receiver["name"] for receiver in example["receivers"]}
    matchers = [
        one for rule in example["inhibit_rules"] for side in rule.values() for one in side if "alertname" in one
    ]
    named = {name for matcher in matchers for name in re.findall(r"[A-Z]\w+", matcher)}
    assert named <= {alert["alert"] for alert in ALERTS}


def test_three_services_are_scraped() -> None:
    """The targets are the scheduler, the ledger, the metrics and the board, each under its name."""
    targets = yaml.safe_load((FOLDER / "targets.yml").read_text())
    assert [target["labels"]["service"] for target in targets] == ["scheduler", "ledger", "metrics", "board"]
