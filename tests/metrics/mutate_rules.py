"""Move every threshold of every alert by a fifth, one at a time, and expect promtool's tests to notice.

A program, not a test: it needs promtool and a minute or two. Ends with 1 and names each mutant that survived.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.metrics.programs import program

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
TEST_FILES = ("rules_test.yml", "rules_long_test.yml")
THRESHOLD = re.compile(r"(?<=[<>=-] )(\d+(?:\.\d+)?)\b")
"""A number that is compared with, or taken off."""
NAME = re.compile(r"\b[a-z]+:[a-z_]+:[a-z0-9_]+")

Rule = dict[str, Any]


def mutants(expression: str) -> Iterator[tuple[str, str]]:
    """Every threshold moved both ways, with a word on what was done."""
    for number in sorted(set(THRESHOLD.findall(expression))):
        value = float(number)
        for moved in (value * 1.2, value * 0.8) if value else (1, -1):
            mutant = THRESHOLD.sub(lambda found: f"{moved:g}" if found[1] == number else found[1], expression)  # noqa: B023
            yield f"{number} becomes {moved:g}", mutant


def needed(expression: str, recorded: dict[str, Rule]) -> dict[str, Rule]:
    """The recording rules that an expression rests on."""
    names = {name: recorded[name] for name in NAME.findall(expression) if name in recorded}
    return {name: rule for direct in names.values() for name, rule in needed(direct["expr"], recorded).items()} | names


def notices(promtool: Path, alert: Rule, recorded: dict[str, Rule]) -> bool:
    """Whether some test of this alert fails. Only it and what it rests on are evaluated, which saves minutes."""
    with tempfile.TemporaryDirectory() as folder:
        rules = [*needed(alert["expr"], recorded).values(), alert]
        Path(folder, "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "mutant", "rules": rules}]}))
        for name in TEST_FILES:
            tests = yaml.safe_load((FOLDER / name).read_text())
            tests["tests"] = list(_tests_of(alert["alert"], tests["tests"]))
            if tests["tests"]:
                Path(folder, name).write_text(yaml.safe_dump(tests))
                if subprocess.run([promtool, "test", "rules", name], cwd=folder, capture_output=True).returncode:
                    return True
    return False


def _tests_of(alert: str, tests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for test in tests:
        cases = [case for case in test.get("alert_rule_test", ()) if case["alertname"] == alert]
        if cases:
            yield {"interval": test["interval"], "input_series": test["input_series"], "alert_rule_test": cases}


def main() -> int:
    """Try every mutant; give the exit status."""
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"]: rule for rule in rules if "record" in rule}
    promtool = program("PROMTOOL")
    wrong: list[str] = []
    tried = 0
    for alert in (rule for rule in rules if "alert" in rule):
        if notices(promtool, alert, recorded):
            wrong.append(f"{alert['alert']}: its tests fail as it stands")
        for what, expression in mutants(alert["expr"]):
            tried += 1
            if not notices(promtool, {**alert, "expr": expression}, recorded):
                wrong.append(f"{alert['alert']}: nothing notices that {what}")
    sys.stdout.write("\n".join([*wrong, f"{tried} thresholds moved, {len(wrong)} problems"]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
