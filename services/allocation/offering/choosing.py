"""Choosing among offers: a demand that may last longer or shorter and have more units or fewer, the best of it first.

The variants (`variants`) are cast into the net one by one, and what passes is put in order and then to the real rules.
Every offer is what the rules would grant if it were asked for now, at the price that the ledger would book.
"""

from itertools import chain

import numpy as np
from msgspec.structs import replace

from services.allocation.booking.holding import hold_violations
from services.allocation.centre import Centre
from services.allocation.companies import Company
from services.allocation.decide import create_reservation, wants_of
from services.allocation.money.costing import drafted, price_of, rates
from services.allocation.money.fees import RateOf
from services.allocation.offering.choice import Choice, Chosen, Offered, Order
from services.allocation.offering.net import bounds, caught, moments
from services.allocation.offering.offers import NEVER, Search, first_sensible, hopeless, worth_asking_from
from services.allocation.offering.refused_windows import refused_windows
from services.allocation.offering.variants import Variant, variants
from services.allocation.rejections import Reason, Rejected, Violation, refuse
from services.allocation.resources import Interval
from services.allocation.rules import reach

TRIES_MAX = 200
"""Candidates put to the rules in one search."""
PRICED_MAX = 600
"""Candidates that are priced to find the cheapest, the earliest of each variant."""

Candidate = tuple[int, int, int]
"""What it is ordered by, its start, and the place of its variant: the least is the best."""


def choose(centre: Centre, choice: Choice, now: int) -> Chosen:
    """The best offers. Raises `Rejected` for lines or a duration that make no sense.

    The earliest and the closest are so of all starts of all variants, unless the rules refuse `TRIES_MAX` better ones
    that the net let through. The cheapest is so of the first `PRICED_MAX` that it lets through, shared out among the
    variants: with one variant of hourly slots that is almost a month of free starts, with twelve two days of each, so
    that every hour of a day is among them.
    """
    company = centre.companies.get(choice.company)
    if company is None:
        missing = refuse(Reason.COMPANY_NOT_FOUND, f"There is no company {choice.company!r}.", choice.company)
        return Chosen(offers=(), violations=missing.violations)
    if choice.hold_seconds:
        choice = replace(choice, earliest=max(choice.earliest, now + 1))  # What has begun cannot wait to be confirmed.
        if refused := tuple(hold_violations(centre, choice.company, choice.earliest, now)):
            return Chosen(offers=(), violations=refused)
    wants_of(centre, choice.command(choice.lines, max(now, centre.base), choice.shortest), now)  # It makes sense.
    longest = max(choice.shortest, min(choice.longest, choice.latest - choice.earliest, reach(centre, now) - now))
    found = variants(centre, choice.lines, choice.fewest, (choice.shortest, longest), choice.earliest)
    chooser = _Chooser(centre, company, choice, found, now)
    offers = chooser.run()
    return Chosen(
        offers=offers,
        refused=refused_windows(centre, choice, found[0], now) if choice.refused and found else (),
        violations=() if offers else chooser.obstacles(),
    )


class _Chooser:
    """One search in the making."""

    def __init__(self, centre: Centre, company: Company, choice: Choice, found: list[Variant], now: int) -> None:
        self._centre, self._company, self._choice, self._now = centre, company, choice, now
        self._variants = found
        self._window = choice.earliest, choice.latest
        self._desired = choice.desired or choice.earliest
        self._met: dict[tuple[str, str], Violation] = {}
        self._rates: dict[str, RateOf] = {}
        self._skipped: list[list[Interval]] = [[] for _ in found]

    def run(self) -> tuple[Offered, ...]:
        """Put the candidates to the rules, the best first, until there are enough offers."""
        offers: dict[int, Offered] = {}
        tries = 0
        for _, start, number in self._in_order():
            if start in offers or self._is_skipped(start, number):
                continue
            variant = self._variants[number]
            if hopeless(variant.wants, start, variant.duration):
                continue
            tries += 1
            offer, go_on = self._ask(start, number)
            if offer is not None:
                offers[start] = offer
            if len(offers) == self._choice.count or tries == TRIES_MAX or not go_on:
                break
        return tuple(offers.values())

    def obstacles(self) -> tuple[Violation, ...]:
        """What stood in the way of the candidates; where there was none, of the first window that makes sense."""
        if not self._met and self._variants:
            variant = self._variants[0]
            start = first_sensible(self._company, variant.wants, self._search(variant), self._now)
            self._ask(start, 0)
        return tuple(self._met.values())

    def _ask(self, start: int, number: int) -> tuple[Offered | None, bool]:
        """The offer, if the rules grant it; and whether it makes sense to go on."""
        variant = self._variants[number]
        try:
            decided = create_reservation(
                self._centre, self._choice.command(variant.lines, start, variant.duration), self._now
            )
        except Rejected as refusal:
            for violation in refusal.violations:
                self._met.setdefault((violation.reason, violation.subject), violation)
            search = self._search(variant)
            until = worth_asking_from(self._centre, search, variant.wants, refusal, start, self._now)
            self._skipped[number].append((start, until))
            return None, until != NEVER
        price = price_of(self._centre, drafted(decided, self._now))
        return Offered(lines=variant.lines, start=start, end=start + variant.duration, price=price), True

    def _is_skipped(self, start: int, number: int) -> bool:
        return any(first <= start < last for first, last in self._skipped[number])

    def _in_order(self) -> list[Candidate]:
        """What passes the net, the best first; of each variant no more than can be tried."""
        return sorted(chain.from_iterable(self._candidates(number) for number in range(len(self._variants))))

    def _candidates(self, number: int) -> list[Candidate]:
        variant = self._variants[number]
        first, last = bounds(self._company, variant.wants, self._window, variant.duration, self._now)
        starts = moments(variant.wants, first, last)
        if not len(starts):
            return []
        starts = caught(self._centre, self._company, variant.wants, starts, variant.duration)
        match self._choice.order:
            case Order.EARLIEST:
                return [(start, start, number) for start in starts[:TRIES_MAX].tolist()]
            case Order.CLOSEST:
                away = np.abs(starts - self._desired) + variant.short
                best = np.argsort(away, kind="stable")[:TRIES_MAX]
                return [(int(away[place]), int(starts[place]), number) for place in best]
            case Order.CHEAPEST:
                some = starts[: PRICED_MAX // len(self._variants)].tolist()
                return [(self._price(start, variant), start, number) for start in some]

    def _price(self, start: int, variant: Variant) -> int:
        """What a variant would cost from a start on, in KRW."""
        card = self._centre.cards.valid_at(start)
        if card is None:
            return 0
        rate = self._rates.get(card.id) or rates(self._centre, self._company.id, card)
        self._rates[card.id] = rate
        end = start + variant.duration
        return sum(
            rate(want.resource.id).price(want.line.units, want.pool.open_spans(*want.line.within(start, end)), end)
            for want in variant.wants
            if not want.companion_of
        )

    def _search(self, variant: Variant) -> Search:
        return Search(
            company=self._company.id,
            lines=variant.lines,
            duration=variant.duration,
            earliest=self._choice.earliest,
            latest=self._choice.latest,
            count=self._choice.count,
            hold_seconds=self._choice.hold_seconds,
        )
