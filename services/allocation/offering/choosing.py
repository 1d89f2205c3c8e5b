"""Choosing among offers: a demand that may last longer or shorter and have more units or fewer, the best of it first.

The variants (`variants`) are cast into the net one by one, what passes is put in order (`ranking`) and then to the real
rules (`seeking`). Every offer is what the rules would grant if it were asked for now, at the price that the ledger
would book.
"""

from msgspec.structs import replace

from services.allocation.booking.creating import wants_of
from services.allocation.booking.holding import hold_violations
from services.allocation.booking.participants import check_participants
from services.allocation.centre import Centre
from services.allocation.finding import no_company
from services.allocation.money.costing import drafted, price_of
from services.allocation.offering.choice import Choice, Chosen, Explained, Offered
from services.allocation.offering.refused_windows import refused_windows
from services.allocation.offering.seeking import Granted, Seeker
from services.allocation.offering.steps import Steps, at_once
from services.allocation.offering.variants import varying
from services.allocation.rules import reach


def choose(centre: Centre, choice: Choice, now: int) -> Chosen:
    """The best offers. Raises `Rejected` for lines or a duration that make no sense.

    They are the best of all starts of all variants, unless the search was cut short, which `searched_until` tells.
    """
    return at_once(choosing(centre, choice, now))


def choosing(centre: Centre, choice: Choice, now: int) -> Steps[Chosen]:
    """The same in steps."""
    company = centre.companies.get(choice.company)
    if company is None:
        return Chosen(offers=(), violations=no_company(choice.company).violations)
    if choice.hold_seconds:
        choice = replace(choice, earliest=max(choice.earliest, now + 1))  # What has begun cannot wait to be confirmed.
        if refused := tuple(hold_violations(centre, choice.company, choice.earliest, now)):
            return Chosen(offers=(), violations=refused)
    if choice.participants is not None:
        check_participants(choice.participants)
    wants_of(centre, choice.command(choice.lines, max(now, centre.base), choice.shortest), now)  # It makes sense.
    longest = max(choice.shortest, min(choice.longest, choice.latest - choice.earliest, reach(centre, now) - now))
    found = yield from varying(
        centre, choice.lines, _fewest(centre, choice), (choice.shortest, longest), choice.earliest
    )
    explained = Explained()
    if choice.refused and found:
        explained = yield from refused_windows(centre, choice, found[0], now)
    seeker = Seeker(centre, company, choice, found, now)
    granted = yield from seeker.seek()
    return Chosen(
        offers=tuple(_offered(centre, each, seeker.now) for each in granted),
        explained=explained,
        violations=() if granted else seeker.obstacles(),
        searched_until=seeker.searched_until,
    )


def _fewest(centre: Centre, choice: Choice) -> tuple[int, ...]:
    """The least units of each line: of a single one no fewer than a class has people."""
    if choice.participants is None or len(choice.lines) > 1:
        return choice.fewest
    (line,), (fewest,) = choice.lines, choice.fewest
    seats = choice.participants.count * centre.pools[line.resource].resource.units_min
    return (min(line.units, max(fewest, seats)),)


def _offered(centre: Centre, granted: Granted, now: int) -> Offered:
    variant, start = granted.variant, granted.start
    price = price_of(centre, drafted(granted.decided, now))
    return Offered(lines=variant.lines, start=start, end=start + variant.duration, price=price)
