"""Shell completion of resource names, from the centre at hand; silent when there is none."""

from typing import Any

import typer

from services.cli.options import connect
from services.cli.outcome import Failed
from services.cli.tables import plain_id


def complete_resource(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Resource ids that begin as typed, each with what it is."""
    given: dict[str, Any] = context.params
    try:
        with connect(given.get("data"), given.get("caller") or "") as client:
            listed = [(plain_id(resource.name), resource.display_name) for resource in client.resources()]
    except Failed:
        return []
    return [(name, what) for name, what in listed if name.lower().startswith(incomplete.lower())]
