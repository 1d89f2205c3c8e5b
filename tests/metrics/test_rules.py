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
FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_name_metrics_that_exist(rule: dict[str, Any]) -> None:
    """Every metric in an expression is exported by one of the services."""
    elsewhere = [path.read_text() for path in (ROOT / "services").glob("*/telemetry.py")]
    catalogue = {metric.name for metric in METRICS}
    for name in re.findall(r"(?<!:)\b(?:alloc|grpc)_[a-z_]+(?=[{\[) ]|$)", rule["expr"]):
        if name not in ("grpc_type", "grpc_code"):
            assert name in catalogue or any(f'"{name}"' in text for text in elsewhere), name


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
        for test in yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert["alert"]
    ]
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


def test_three_services_are_scraped() -> None:
    """The targets are the scheduler, the ledger and the metrics, each under its name."""
    targets = yaml.safe_load((FOLDER / "targets.yml").read_text())
    assert [target["labels"]["service"] for target in targets] == ["scheduler", "ledger", "metrics"]
