"""Write the dashboards beside this folder as JSON, or with --check say which file is not what the code makes."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.source.company import company
from deploy.grafana.source.demand import demand
from deploy.grafana.source.health import health
from deploy.grafana.source.now import now
from deploy.grafana.source.usage import usage

FOLDER = Path(__file__).parents[1]
DASHBOARDS = {"now": now, "usage": usage, "demand": demand, "company": company, "health": health}


def text_of(dashboard: Dashboard) -> str:
    """A dashboard as Grafana reads it."""
    return json.dumps(dashboard.build(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check; give the exit status."""
    stale = []
    for name, make in DASHBOARDS.items():
        path, text = FOLDER / f"{name}.json", text_of(make())
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"not what the code makes: {', '.join(stale)}; run `python -m deploy.grafana.source`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
