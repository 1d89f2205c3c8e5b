"""The occurrences of a series as a table: booked, moved to a later time of the day, or skipped and why."""

from collections.abc import Mapping

from services.board import parts
from services.board.catalogue import plain
from services.board.markup import Content, Markup, el
from services.board.times import from_timestamp
from services.board.visit import Visit
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def occurrences(visit: Visit, series: api.Series, found: Mapping[str, api.Reservation] | None = None) -> Markup:
    """Each occurrence of a series; with the reservations by their names, where each stands too."""
    words, known = visit.words, found or {}
    costly = parts.any_priced(known.values())
    rows = []
    for number, each in enumerate(series.occurrences, 1):
        item = known.get(each.reservation)
        cost = [parts.price(visit, item) if item else ""] if costly else []
        rows.append([str(number), parts.when(visit, each), _fate(visit, each, found), *cost])
    head = ["", words("head_when"), words("head_state"), *parts.price_head(visit, costly)]
    return parts.table(head, rows, words("series_occurrences"), frozenset({3}) if costly else frozenset())


def _fate(visit: Visit, each: api.Occurrence, found: Mapping[str, api.Reservation] | None) -> Content:
    """What became of one, or would."""
    words = visit.words
    if each.reasons:
        why = ", ".join(words.either(f"reason_{reason}", reason) for reason in each.reasons)
        return [el("span", words("occurrence_skipped"), class_="state warn"), " ", why]
    item = (found or {}).get(each.reservation)
    told: list[Content] = [
        parts.state(visit, item) if item else el("span", words("occurrence_granted"), class_="state")
    ]
    if each.HasField("shifted_from_time"):
        wanted = visit.clock.hour(from_timestamp(each.shifted_from_time))
        told += [" ", el("span", words("occurrence_shifted", moment=wanted), class_="away")]
    if each.reservation:
        label = words("open_named", name=plain(each.reservation))
        told += [" ", el("a", words("open"), href=parts.path_of(each.reservation), aria_label=label)]
    return told
