"""What people and programs get to see of a run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from loadtests.budgets import BUDGETS
from services.allocation import decide
from services.runtime.form import form_of

RESULTS = Path(__file__).parent / "results"
LATEST = "latest.json"
DETAILS = "latest-details.json"


def write(figures: Mapping[str, float], details: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Write the flat figures, and beside them everything that they came from."""
    folder.mkdir(exist_ok=True)
    known = {budget.key: round(float(figures[budget.key]), 4) for budget in BUDGETS if budget.key in figures}
    _write_json(folder / LATEST, known)
    _write_json(folder / DETAILS, msgspec.to_builtins(dict(details)))


def show(console: Console, figures: Mapping[str, float]) -> bool:
    """Print the figures beside their budgets; whether all that were measured are met."""
    table = Table(title=f"Budgets, with the rules {form_of(decide)}", title_justify="left")
    table.add_column("what")
    table.add_column("key", no_wrap=True)
    for name in ("measured", "budget"):
        table.add_column(name, justify="right")
    table.add_column("")
    met = True
    for budget in BUDGETS:
        figure = figures.get(budget.key)
        if figure is None:
            table.add_row(budget.what, budget.key, "-", budget.words, "not measured")
            continue
        kept = budget.met(figure)
        met &= kept
        verdict = "[green]met[/]" if kept else "[bold red]missed[/]"
        table.add_row(budget.what, budget.key, _number(figure), budget.words, verdict)
    console.print(table)
    return met


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
