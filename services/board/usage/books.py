"""A company's books of the month, from the ledger: granted, booked, used and given back, and what is owed in KRW."""

from collections import defaultdict

from services.board.doors.answers import Missing, Unavailable
from services.board.doors.catalogue import hours_figure, plain
from services.board.frame import parts
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.usage.page import GIVEN_BACK, PENDING, USED
from services.generated.aidc.ledger.v1 import ledger_pb2 as books

EQUIPMENT, CORRECTIONS = "equipment", "corrections"
COLUMNS = {"granted": ("granted",), "booked": PENDING, "used": USED, "released": GIVEN_BACK}
"""What the page tells apart, and the accounts of the ledger's chart that are it."""
OWED = {"used": 1, "idle": 1, "penalty": 1, "compensation": -1}
"""Accounts whose KRW a company owes, and their sign."""


def meter_name(visit: Visit, meter: str) -> str:
    """What a meter is called: a resource, all equipment together, or what is about neither."""
    if meter == CORRECTIONS:
        return visit.words("meter_corrections")
    return visit.words("meter_equipment") if meter == EQUIPMENT else visit.name(visit.catalogue[meter])


def meter_unit(visit: Visit, meter: str) -> str:
    """What the hours of a meter are hours of: GPUs, cores, or pieces of equipment."""
    return visit.words("unit_of_equipment") if meter == EQUIPMENT else visit.unit_hours(visit.catalogue[meter])


async def of_this_month(visit: Visit, parent: str, position: int) -> Markup:
    """The books, no older than what else stands on the page; where the ledger is away, the page says so."""
    words = visit.words
    month = f"{visit.clock.local(visit.clock.now):%Y-%m}"
    title = words("books_title", month=month)
    request = books.GetBalanceRequest(name=parent, min_position=position, month=month)
    try:
        found = await visit.caller.ask(visit.caller.ledger.GetBalance, request)
    except Missing:
        return parts.section(title, parts.empty(words("no_such_company")))
    except Unavailable:
        return parts.section(title, parts.note(words("books_away"), "warn"))
    owed = sum(OWED.get(each.account, 0) * each.krw for each in found.accounts)
    rows = _rows(visit, found)
    head = [words("quota_meter"), *(words(f"account_{name}") for name in COLUMNS), words("account_owed")]
    return parts.section(
        title,
        parts.table(head, rows, title, frozenset(range(1, 6))) if rows else parts.empty(words("no_usage")),
        el("p", words("books_owed", krw=f"{owed:,}"), class_="slot") if owed else None,
        el("p", words("books_explained", position=f"{found.position:,}"), class_="away"),
    )


def _rows(visit: Visit, found: books.Balance) -> list[parts.Row]:
    hours: dict[tuple[str, str], int] = {}
    owed: dict[str, int] = defaultdict(int)
    for each in found.accounts:
        hours[plain(each.resource), each.account] = each.unit_seconds
        owed[plain(each.resource)] += OWED.get(each.account, 0) * each.krw
    rows: list[parts.Row] = []
    for meter in (name for name in (*visit.catalogue.resources, EQUIPMENT, CORRECTIONS) if name in owed):
        sums = [sum(hours.get((meter, account), 0) for account in accounts) for accounts in COLUMNS.values()]
        if any(sums) or owed[meter]:
            figures = [hours_figure(visit.catalogue[meter], each) if each else "" for each in sums]
            rows.append([meter_name(visit, meter), *figures, f"{owed[meter]:,}" if owed[meter] else ""])
    return rows
