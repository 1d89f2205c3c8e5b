"""The reserves of the programmes, for who runs or audits the centre: what reviews returned, and what is left of it."""

from services.board.doors.catalogue import hours_figure
from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.usage.books import meter_name
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

RESERVES_MAX = 500
"""As many as one answer has: a row for each programme and pool."""


async def reserves(visit: Visit) -> Markup:
    """One row a programme and pool, in hours."""
    words = visit.words
    request = api.ListReservesRequest(page_size=RESERVES_MAX)
    found = await visit.caller.ask(visit.caller.scheduler.ListReserves, request)
    title = words("reserves_title")
    figures = ("reserves_returned", "reserves_given", "quota_left")
    head = [words("reserves_programme"), words("quota_meter"), *map(words, figures)]
    rows = [_row(visit, each) for each in found.reserves]
    made = parts.table(head, rows, title, frozenset({2, 3, 4})) if rows else parts.empty(words("reserves_none"))
    return parts.section(title, made, el("p", words("reserves_explained"), class_="away") if rows else None)


def _row(visit: Visit, each: api.Reserve) -> parts.Row:
    amounts = (each.returned_unit_seconds, each.given_unit_seconds, each.left_unit_seconds)
    figures = [hours_figure(visit.catalogue[each.meter], amount) for amount in amounts]
    return [each.programme, meter_name(visit, each.meter), *figures]
