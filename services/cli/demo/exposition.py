"""Reading Prometheus' text format, as far as this project writes it."""

import re
from collections.abc import Iterator

SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def samples(page: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Labels and value of every sample of one metric."""
    for line in page.splitlines():
        if not line.startswith(name):
            continue
        found = SAMPLE.match(line)
        if found is not None and found["name"] == name:
            yield dict(LABEL.findall(found["labels"] or "")), float(found["value"])
