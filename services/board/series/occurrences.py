"""The occurrences of a series as a table: booked, moved to a later time of the day, or skipped and why."""

from collections.abc import Mapping

from services.board.doors.catalogue import plain
from services.board.frame import parts, paths
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

EFFECTS = {
    api.Occurrence.EFFECT_KEPT: "effect_kept",
    api.Occurrence.EFFECT_CHANGED: "effect_changed",
    api.Occurrence.EFFECT_BOOKED: "effect_booked",
    api.Occurrence.EFFECT_GIVEN_BACK: "effect_given_back",
    api.Occurrence.EFFECT_LEFT: "effect_left",
    api.Occurrence.EFFECT_SKIPPED: "occurrence_skipped",
    api.Occurrence.EFFECT_ASKED: "effect_asked",
}
WARNING = (api.Occurrence.EFFECT_GIVEN_BACK, api.Occurrence.EFFECT_LEFT, api.Occurrence.EFFECT_SKIPPED)


def occurrences(
    visit: Visit, series: api.Series, found: Mapping[str, api.Reservation] | None = None, *, effects: bool = False
) -> Markup:
    """Each occurrence of a series; with the reservations by their names, where each stands too.

    With `effects` it is a change that is only asked for: what it would make of each, and what it would give back.
    """
    words, known = visit.words, found or {}
    costly = parts.any_priced(known.values())
    rows = []
    shown = [*series.occurrences, *(series.given_back if effects else ())]
    for number, each in enumerate(sorted(shown, key=lambda each: each.start_time.seconds), 1):
        item = known.get(each.reservation)
        cost = [parts.price(visit, item) if item else ""] if costly else []
        fate = _effect(visit, each) if effects else _fate(visit, each, found)
        rows.append([str(number), parts.when(visit, each), fate, *cost])
    head = ["", words("head_when"), words("head_state"), *parts.price_head(visit, costly)]
    return parts.table(head, rows, words("series_occurrences"), frozenset({3}) if costly else frozenset())


def _fate(visit: Visit, each: api.Occurrence, found: Mapping[str, api.Reservation] | None) -> Content:
    """What became of one, or would."""
    words = visit.words
    if each.reasons and not each.reservation:
        return [el("span", words("occurrence_skipped"), class_="state warn"), " ", _why(visit, each)]
    item = (found or {}).get(each.reservation)
    told: list[Content] = [
        parts.state(visit, item) if item else el("span", words("occurrence_granted"), class_="state")
    ]
    if each.HasField("shifted_from_time"):
        wanted = visit.clock.hour(from_timestamp(each.shifted_from_time))
        told += [" ", el("span", words("occurrence_shifted", moment=wanted), class_="away")]
    if each.reservation:
        label = words("open_named", name=plain(each.reservation))
        told += [" ", el("a", words("open"), href=paths.of_reservation(each.reservation), aria_label=label)]
    return told


def _effect(visit: Visit, each: api.Occurrence) -> Content:
    """What a change would make of one."""
    key = EFFECTS.get(each.effect, "effect_none")
    told: list[Content] = [
        el("span", visit.words(key), class_="state warn" if each.effect in WARNING else "state"),
        " ",
        _why(visit, each),
    ]
    if each.HasField("shifted_from_time"):
        wanted = visit.clock.hour(from_timestamp(each.shifted_from_time))
        told.append(el("span", visit.words("occurrence_shifted", moment=wanted), class_="away"))
    return told


def _why(visit: Visit, each: api.Occurrence) -> str:
    return ", ".join(visit.words.either(f"reason_{reason}", reason) for reason in each.reasons)
