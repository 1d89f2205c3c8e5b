"""Bills that a company has not paid: recorded by an operator, told with what follows from them, and cleared."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.board.conduct.judgement import (
    REFERENCE_CHARACTERS_MAX,
    Judgement,
    facts,
    link,
    moment_of,
    parent,
    reason_field,
)
from services.board.frame import parts
from services.board.frame.fields import text_field
from services.board.frame.visit import Visit
from services.board.paper.markup import Content, Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

PERCENT = 100
KRW_CHARACTERS_MAX = 13
"""A thousand million, with its commas."""
MONTHS_A_YEAR = 12


class Arrears(Judgement):
    """A bill is overdue."""

    name, method, kind, harsh = "arrears", "RecordArrears", api.RecordArrearsRequest, True

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """Of which month, how much, since when, and where the bill is found."""
        words = visit.words
        last = visit.clock.local(visit.clock.now).replace(day=1) - timedelta(days=1)
        month, krw, due, reference = (fields.get(key, "") for key in ("month", "krw", "due", "reference"))
        return [
            text_field(words("arrears_month"), "month", month or f"{last:%Y-%m}", type_="month", required=True),
            text_field(
                words("arrears_krw"), "krw", krw, inputmode="numeric", required=True, maxlength=KRW_CHARACTERS_MAX
            ),
            text_field(words("arrears_due"), "due", due, type_="datetime-local", required=True),
            text_field(words("judge_reference"), "reference", reference, maxlength=REFERENCE_CHARACTERS_MAX),
        ]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.RecordArrearsRequest:
        """The bill as it was typed; an amount may have commas."""
        text = fields.get("krw", "").strip()
        krw = text.replace(",", "")
        if not (krw.isascii() and krw.isdecimal() and len(krw) <= KRW_CHARACTERS_MAX):
            faults.append(visit.words("fault_krw", text=text))
            krw = "0"
        arrear = api.Arrear(
            month=fields.get("month", "").strip(),
            krw=int(krw),
            due_time=moment_of(visit, fields.get("due", ""), faults),
            reference=fields.get("reference", "").strip(),
        )
        return api.RecordArrearsRequest(parent=parent(fields), arrear=arrear)

    async def effect(self, visit: Visit, request: api.RecordArrearsRequest, after: api.Conduct) -> Content:
        """The bill, and what follows from it by the terms that hold today."""
        words, bill = visit.words, request.arrear
        rows = [[_when(visit, due), told] for due, told in _follows(visit, bill, await rules(visit))]
        follows = words("arrears_follows")
        head = [words("arrears_when"), words("arrears_then")]
        return [
            facts(
                (words("arrears_month"), bill.month),
                (words("arrears_krw"), f"{bill.krw:,}"),
                (words("arrears_due"), visit.clock.stamp(from_timestamp(bill.due_time))),
                (words("judge_reference"), bill.reference),
            ),
            el("h3", follows),
            parts.table(head, rows, follows) if rows else parts.empty(words("arrears_nothing")),
        ]


class Paid(Judgement):
    """A bill is paid, or waived."""

    name, method, kind = "paid", "ClearArrears", api.ClearArrearsRequest

    def drawn(self, visit: Visit, fields: Mapping[str, str]) -> list[Markup]:
        """Of which month, and why."""
        month = text_field(visit.words("arrears_month"), "month", fields.get("month", ""), type_="month", required=True)
        return [month, reason_field(visit, fields)]

    def read(self, visit: Visit, fields: Mapping[str, str], faults: list[str]) -> api.ClearArrearsRequest:
        """The month as it was typed."""
        month, reason = fields.get("month", "").strip(), fields.get("reason", "").strip()
        return api.ClearArrearsRequest(parent=parent(fields), month=month, reason=reason)

    async def effect(self, visit: Visit, request: api.ClearArrearsRequest, after: api.Conduct) -> Content:
        """Whether the company may book again, and what stays."""
        words = visit.words
        left = any(each.suspends for each in after.arrears)
        return [
            facts((words("arrears_month"), request.month), (words("head_reason"), request.reason)),
            parts.note(words("paid_still" if left else "paid_books"), "warn" if left else "note"),
        ]


async def overdue(visit: Visit, company: str, arrears: Sequence[api.Arrear]) -> Markup | None:
    """The bills that are overdue, each with what comes next; nothing where there is none."""
    if not arrears:
        return None
    words, now = visit.words, visit.clock.now
    known = await rules(visit)
    rows = []
    for bill in arrears:
        ahead = next(((due, told) for due, told in _follows(visit, bill, known) if due > now), None)
        state = el("span", words("arrears_suspends" if bill.suspends else "arrears_open"), class_="state bad")
        rows.append(
            [
                bill.month,
                words("price_krw", krw=f"{bill.krw:,}"),
                visit.clock.stamp(from_timestamp(bill.due_time)),
                bill.reference,
                state,
                [el("div", _when(visit, ahead[0])), el("div", ahead[1], class_="away")] if ahead else None,
                link(visit, Paid.name, company, month=bill.month) if visit.person.operates else None,
            ]
        )
    keys = ("arrears_month", "arrears_amount", "arrears_due", "judge_reference", "head_state", "arrears_next")
    return parts.table([*(words(key) for key in keys), ""], rows, words("arrears_title"), frozenset({1}))


async def rules(visit: Visit) -> Sequence[api.ArrearsRule]:
    """What the terms of today say about overdue bills."""
    terms: api.Terms = await visit.caller.ask(visit.caller.scheduler.GetTerms, api.GetTermsRequest())
    return terms.arrears


def _follows(visit: Visit, bill: api.Arrear, known: Sequence[api.ArrearsRule]) -> Iterator[tuple[datetime, str]]:
    """What follows from a bill, each with its time, the earliest first."""
    due = visit.clock.local(from_timestamp(bill.due_time))
    for rule in sorted(known, key=lambda each: each.months):
        surcharge = bill.krw * rule.surcharge_percent // PERCENT
        charged = visit.words("arrears_surcharge", krw=f"{surcharge:,}", percent=rule.surcharge_percent)
        told = (charged if surcharge else "", visit.words("arrears_suspends") if rule.suspends else "")
        yield months_later(due, rule.months), " · ".join(filter(None, told))


def _when(visit: Visit, due: datetime) -> Content:
    """A time that is still to come, or that what follows has been waiting for."""
    return visit.clock.stamp(due) if due > visit.clock.now else visit.words("arrears_at_once")


def months_later(moment: datetime, count: int) -> datetime:
    """The same time of day so many months later; the last day of a month that has no such day."""
    year, month = divmod(moment.year * MONTHS_A_YEAR + moment.month - 1 + count, MONTHS_A_YEAR)
    after = date(year + (month == MONTHS_A_YEAR - 1), (month + 1) % MONTHS_A_YEAR + 1, 1)
    last = (after - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
