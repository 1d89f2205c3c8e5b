"""Arrears, as values: bills that a company has not paid, and what follows from each after how many months. Pure.

The centre knows its statements and not its bank account, so an operator says which bill is overdue, and when it is not
any more. What follows in between follows by the terms of the day on which so many months are over.
"""

from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.allocation.values.months import months_later
from services.allocation.values.terms import Terms, terms_at

ARREARS_MAX = 60
"""Bills of one company that may be overdue at once: five years of them."""


class Arrear(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The bill of a month such as `2026-03`, of so many KRW, that should have been paid by `since`, in seconds.

    `reached` are the months after which something followed already; `suspends` is that the company books nothing.
    """

    month: str
    krw: int
    since: int
    reference: str = ""
    reached: tuple[int, ...] = ()
    suspends: bool = False


class Stage(Struct, frozen=True, gc=False, order=True):
    """At `due`, in seconds, a company's bill of a month will have been overdue for so many months."""

    due: int
    company: str
    month: str
    months: int


def stages(company: str, arrears: Iterable[Arrear], published: Sequence[Terms], zone: ZoneInfo) -> Iterator[Stage]:
    """What lies ahead of a company's bills, and has not followed yet, by the terms published so far."""
    for arrear in arrears:
        for months in {rule.months for terms in published for rule in terms.arrears} - set(arrear.reached):
            due = months_later(arrear.since, months, zone)
            if any(rule.months == months for rule in terms_at(published, due).arrears):
                yield Stage(due, company, arrear.month, months)
