"""`python -m tests.system.judge_export FILE`: the checker that reads only the log, over an export of it.

`aidc demo --trace FILE --log FILE` and `aidc audit export` write such a file. Exit status 0 if nothing is found, or 1.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.system.checker import booking_faults, chain_faults
from tests.system.raw_log import RawPage

FAULTS_SHOWN = 20


def pages_of(export: Path) -> Iterator[RawPage]:
    """The pages of an export of the whole log, to the byte."""
    with export.open("rb") as file:
        for line in map(json.loads, file):
            if line["kind"] == "page":
                yield RawPage(line["position"], line["page"].encode())


def faults_of(pages: list[RawPage]) -> list[str]:
    """What is wrong with a whole log."""
    return [*chain_faults(pages, pages[-1].page["centre"]), *booking_faults(pages)]


def events_of(pages: list[RawPage]) -> Counter[str]:
    """How often each event happened."""
    return Counter(event["type"] for each in pages for entry in each.page["entries"] for event in entry["events"])


def main(export: Path) -> int:
    """Print what the log says and what is wrong with it."""
    pages = list(pages_of(export))
    events, found = events_of(pages), faults_of(pages)
    for name, number in events.most_common():
        print(f"{number:>8,} {name}")
    print(f"{len(pages):,} pages, {sum(events.values()):,} events, {len(found)} violations")
    for fault in found[:FAULTS_SHOWN]:
        print(f"  {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
