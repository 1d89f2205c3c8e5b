"""An independent judge: raw pages and what clients were told in, every broken promise out, each in a sentence.

It shares no code with the services and takes no shortcut: places are compared one with the other, at every prefix.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.system.judge import Judge
from tests.system.places import Json
from tests.system.raw_log import RawPage
from tests.system.workload import Asked, Outcome

GENESIS = "0" * 64
REMEMBERED_MICROSECONDS = 24 * 3600 * 1_000_000
"""How long a request id is good for, on the centre's clock: where that runs fast and the machine is slow, a minute."""


def faults(pages: Sequence[RawPage], asked: Sequence[Asked], centre: str) -> list[str]:
    """Everything in a log that breaks a promise, given what clients asked and were told."""
    return [*chain_faults(pages, centre), *booking_faults(pages), *answer_faults(pages, asked)]


def chain_faults(pages: Sequence[RawPage], centre: str) -> Iterator[str]:
    """P9: contiguous positions, each page naming the hash of the one before, epochs that only grow."""
    previous, epoch = GENESIS, 0
    for expected, raw in enumerate(pages, 1):
        page, where = raw.page, f"chain: position {raw.position}"
        if raw.position != expected:
            yield f"{where} stands where {expected} was due"
        if page["previous"] != previous:
            yield f"{where} does not follow the page before it"
        if (page["format"], page["centre"]) != (1, centre):
            yield f"{where} is of format {page['format']} and centre {page['centre']}"
        opens = not page["entries"]
        if page["epoch"] != epoch + opens:
            yield f"{where} has epoch {page['epoch']} after {epoch}"
        previous, epoch = hashlib.sha256(raw.data).hexdigest(), page["epoch"]


def answer_faults(pages: Sequence[RawPage], asked: Sequence[Asked]) -> Iterator[str]:
    """P2, P3 and P4: a yes is in the log where it says, a no is not, and an id has one effect and one answer."""
    found: dict[tuple[str, str], list[tuple[int, Json]]] = defaultdict(list)
    for raw in pages:
        for entry in raw.page["entries"]:
            if entry.get("request_id"):
                found[entry["actor"], entry["request_id"]].append((raw.position, entry))
    for key, places in found.items():
        for (first, before), (again, after) in pairwise(places):
            if after["time"] - before["time"] < REMEMBERED_MICROSECONDS:
                yield f"P4: {key} took effect at {first} and again at {again}"
    for each in asked:
        yield from _answer_faults(each, found.get((each.actor, each.request_id), []))


def _answer_faults(asked: Asked, places: list[tuple[int, Json]]) -> Iterator[str]:
    who = f"{asked.method} {asked.request_id} of {asked.actor}"
    if asked.outcome is Outcome.OPEN:
        yield f"P3: {who} never got a definite answer in {asked.attempts} attempts"
    if asked.outcome is Outcome.REFUSED and places:
        yield f"P3: {who} was refused ({asked.reasons}) but stands in the log at {places[0][0]}"
    if asked.outcome is not Outcome.GRANTED:
        return
    if not places:
        yield f"P2: {who} was granted at {asked.answers[0].position} but is not in the log"
        return
    position, entry = places[-1]  # Asked for again more than a day later, it is another request.
    told = {(answer.name, answer.position) for answer in asked.answers}
    if len(told) > 1:
        yield f"P4: {who} was answered differently: {told}"
    # Who makes room moves others; and whoever splits a reservation is told of the part.
    events = [each for each in entry["events"] if each["type"] != "allocations_moved" and not each.get("parted")]
    written = {event["reservation_id"] for event in events}
    if told != {(f"companies/{asked.company}/reservations/{reservation}", position) for reservation in written}:
        yield f"P2: {who} was told {told}, the log says {written} at {position}"


def booking_faults(pages: Iterable[RawPage]) -> list[str]:
    """P1: at every prefix no unit, operator or exclusive room is held twice, and each booking is whole."""
    judge = Judge()
    for raw in pages:
        for entry in raw.page["entries"]:
            judge.take(raw.position, entry)
    return judge.faults
