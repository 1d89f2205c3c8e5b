"""What was read from the books, as clients see it."""

from collections.abc import Iterable

from services.allocation.prices.periods import name_of
from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.answering import timestamp
from services.ledger.batch import Checkpoint
from services.ledger.chart import CHARGED, PENDING
from services.ledger.reporting.balances import Amount
from services.ledger.reporting.history import Entry
from services.ledger.reporting.statements import Changes, Statement
from services.ledger.reporting.summary import CompanyTotal, Row, charged_krw
from services.ledger.reporting.transfers import Line


def balance_reply(name: str, checkpoint: Checkpoint, amounts: Iterable[Amount]) -> wire.Balance:
    """Balances."""
    return wire.Balance(name=name, accounts=_accounts(amounts), position=checkpoint.position, events=checkpoint.number)


def statement_reply(request: wire.GetStatementRequest, found: Statement) -> wire.Statement:
    """A statement, of a month or of an interval."""
    reply = wire.Statement(
        name=request.name,
        opening=_accounts(found.opening),
        lines=map(line_reply, found.lines),
        closing=_accounts(found.closing),
        position=found.checkpoint.position,
        month=request.month,
        closed=found.closed,
        rows=map(_row, found.rows),
        totals=map(_total, found.totals),
    )
    if request.month:
        reply.charged_krw = charged_krw(found.closing)
        reply.pending_krw = sum(amount.krw for amount in found.closing if amount.account in PENDING)
        reply.adjustments_krw = sum(
            line.krw for line in found.lines if line.about != line.period and line.to_account in CHARGED
        )
        return reply
    reply.start_time.CopyFrom(request.start_time)
    reply.end_time.CopyFrom(request.end_time)
    return reply


def changes_reply(request: wire.GetChangesRequest, found: Changes) -> wire.Changes:
    """What changed between two views."""
    before, after = (
        {(each.resource, each.account): each for each in amounts} for amounts in (found.before, found.after)
    )
    accounts = []
    for resource, account in sorted({**before, **after}):
        empty = Amount(resource, account, 0, 0)
        was, now = before.get((resource, account), empty), after.get((resource, account), empty)
        if was != now:
            accounts.append(
                wire.AccountChange(
                    resource=resource,
                    account=account,
                    unit_seconds_before=was.unit_seconds,
                    unit_seconds_after=now.unit_seconds,
                    krw_before=was.krw,
                    krw_after=now.krw,
                )
            )
    return wire.Changes(
        name=request.name,
        month=request.month,
        base_position=found.base.position,
        position=found.checkpoint.position,
        accounts=accounts,
        lines=map(line_reply, found.lines),
    )


def history_reply(name: str, checkpoint: Checkpoint, entries: Iterable[Entry]) -> wire.History:
    """The life of a reservation."""
    return wire.History(name=name, entries=map(_entry, entries), position=checkpoint.position)


def line_reply(line: Line) -> wire.StatementLine:
    """One transfer."""
    company = f"companies/{line.company}"
    return wire.StatementLine(
        time=timestamp(line.time),
        position=line.position,
        event=line.event,
        reservation=f"{company}/reservations/{line.reservation}" if line.reservation else "",
        resource=line.resource,
        from_account=line.from_account,
        to_account=line.to_account,
        unit_seconds=line.unit_seconds,
        krw=line.krw,
        phase=line.phase,
        month=name_of(line.period),
        adjusts=name_of(line.about) if line.about != line.period else "",
        company=company,
        line=line.line,
        event_number=line.number,
    )


def _accounts(amounts: Iterable[Amount]) -> list[wire.AccountBalance]:
    return [
        wire.AccountBalance(
            resource=amount.resource, account=amount.account, unit_seconds=amount.unit_seconds, krw=amount.krw
        )
        for amount in amounts
    ]


def _row(row: Row) -> wire.SummaryRow:
    thing = row.thing
    figures = {name: getattr(row, name) for name in row.__struct_fields__ if name != "thing"}
    return wire.SummaryRow(
        resource=thing.resource,
        display_name=thing.display_name,
        unit=thing.unit,
        units_each=thing.units_each,
        **figures,
    )


def _total(total: CompanyTotal) -> wire.CompanyTotal:
    return wire.CompanyTotal(
        company=f"companies/{total.company}",
        display_name=total.display_name,
        budget_krw=total.budget_krw,
        pending_krw=total.pending_krw,
        charged_krw=total.charged_krw,
        penalty_krw=total.penalty_krw,
        compensation_krw=total.compensation_krw,
    )


def _entry(entry: Entry) -> wire.HistoryEntry:
    return wire.HistoryEntry(
        time=timestamp(entry.time),
        position=entry.position,
        index=entry.index,
        event=entry.event,
        actor=entry.actor,
        request_id=entry.request_id,
        description=entry.description,
    )
