"""Reserves once more, told simply: a list of what was taken, and one of what was given. It shares no code with them."""

from msgspec.structs import replace

from services.allocation.rejections import Reason
from tests.allocation.naive_booking import Gift
from tests.allocation.naive_rules import NaiveRules

METER = "nodes"
"""The one meter of the small centre that is reviewed."""


def left(naive: NaiveRules, programme: str) -> int:
    """What a programme has: all that its companies' quotas lost, less every gift that was not taken back."""
    members = {name for name, each in naive.companies.items() if each.programme == programme}
    lost = sum(each.reclaimed for each in naive.quotas if each.company in members and each.meter == METER)
    return lost - sum(
        each.unit_seconds for each in naive.gifts.values() if each.company in members and not each.reversed
    )


def giving(naive: NaiveRules, company: str, start: int, unit_seconds: int) -> set[Reason]:
    """Every reason against giving a company so much."""
    has = [each for each in naive.quotas if (each.company, each.meter) == (company, METER)]
    period = next((each for each in has if each.start <= start < each.end), None)
    found = set()
    if period is None:
        found.add(Reason.NO_QUOTA)
    elif unit_seconds == 0 or unit_seconds < -max(0, period.unit_seconds - naive.booked(period)):
        found.add(Reason.INVALID_CORRECTION)
    if not 0 < unit_seconds <= left(naive, naive.companies[company].programme):
        found.add(Reason.RESERVE_EXCEEDED)
    return found


def give(naive: NaiveRules, name: str, company: str, start: int, unit_seconds: int) -> None:
    """The company has more of its quota, and the reserve less."""
    naive.gifts[name] = Gift(company, start, unit_seconds)
    _grant(naive, company, start, unit_seconds)


def reversing(naive: NaiveRules, name: str) -> set[Reason]:
    """Every reason against taking a gift back: it was before, or is booked by now."""
    gift = naive.gifts[name]
    [period] = [
        each for each in naive.quotas if (each.company, each.meter, each.start) == (gift.company, METER, gift.start)
    ]
    booked = gift.unit_seconds > max(0, period.unit_seconds - naive.booked(period))
    return {Reason.INVALID_CORRECTION} if booked or gift.reversed else set()


def take_back(naive: NaiveRules, name: str) -> None:
    """The company has less again, and the reserve more."""
    gift = naive.gifts[name]
    gift.reversed = True
    _grant(naive, gift.company, gift.start, -gift.unit_seconds)


def _grant(naive: NaiveRules, company: str, start: int, unit_seconds: int) -> None:
    for number, each in enumerate(naive.quotas):
        if (each.company, each.meter, each.start) == (company, METER, start):
            naive.quotas[number] = replace(each, unit_seconds=each.unit_seconds + unit_seconds)
