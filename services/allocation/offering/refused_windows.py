"""Why not then: windows that a search does not offer, and the rules that refuse them."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from services.allocation.booking.creating import create_reservation
from services.allocation.centre import Centre
from services.allocation.offering.choice import Choice, Explained, Order, RefusedWindows
from services.allocation.offering.net import moments, on_grid
from services.allocation.offering.steps import Steps
from services.allocation.offering.variants import Variant
from services.allocation.rejections import Rejected, Violation
from services.allocation.rules import reach

TRIES_MAX = 24
"""Windows put to the rules only to tell why they are refused; a refusal of many lines may take a few milliseconds."""

Asked = tuple[int, tuple[Violation, ...]]
"""A start, and every rule that refuses it; none if it would be granted."""


def refused_windows(centre: Centre, choice: Choice, variant: Variant, now: int) -> Steps[Explained]:
    """The refused windows of a variant, in order of time: of the first that begin with a slot, or the closest.

    Windows next to each other that the same rules refuse are told together; so many are told as the choice asks for.
    """
    last = min(choice.latest, reach(centre, now)) - variant.duration
    starts = on_grid(variant.wants, moments(variant.wants, choice.earliest, last), variant.duration)
    if choice.order is Order.CLOSEST:
        starts = starts[np.argsort(np.abs(starts - (choice.desired or choice.earliest)), kind="stable")]
    asked: list[Asked] = []
    for start in np.sort(starts[:TRIES_MAX]).tolist():
        yield
        asked.append((start, _refusal(centre, choice, variant, start, now)))
    found = [*_stretches(asked)]
    if not asked:
        return Explained()
    told = found[: choice.refused]
    last = asked[-1][0] if len(told) == len(found) else told[-1].last_start
    return Explained(windows=tuple(told), first=asked[0][0], last=last)


def _stretches(asked: Iterable[Asked]) -> Iterator[RefusedWindows]:
    for rules, group in groupby(asked, key=_rules):
        if rules:
            windows = list(group)
            yield RefusedWindows(first_start=windows[0][0], last_start=windows[-1][0], violations=windows[0][1])


def _rules(asked: Asked) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((each.reason.value, each.subject) for each in asked[1]))


def _refusal(centre: Centre, choice: Choice, variant: Variant, start: int, now: int) -> tuple[Violation, ...]:
    try:
        create_reservation(centre, choice.command(variant.lines, start, variant.duration), now)
    except Rejected as refusal:
        return refusal.violations
    return ()
