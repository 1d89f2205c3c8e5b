"""Searches for mixed demands in the real catalogue: a rig with all that it cannot run without, and GPUs beside it.

Every search is for a piece of equipment that brings GPUs along, most with operators, one with another rig; and for
eight GPUs of the training pool at the same time. What is found is booked, so that it gets ever harder to find.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from loadtests.core import NOW, SEARCH_DAYS
from loadtests.founding import registered
from loadtests.measures import percentiles_ms
from loadtests.workload import DAY_SECONDS
from services.allocation.centre import Centre
from services.allocation.commands import CreateReservation
from services.allocation.decide import decide
from services.allocation.events import QualificationGranted
from services.allocation.offering import offers
from services.allocation.reservations import Line
from services.allocation.resources import Kind, Resource
from services.allocation.values.conduct import Qualification
from services.cli.catalogue import CENTRE_FOLDER, read_catalogue

TRAINING_POOL, TRAINING_GPUS = "h100-train", 8
SEARCHES = 500


class Searches(Struct, kw_only=True):
    """How long the searches took, and how many of them found something."""

    latency_ms: dict[str, float]
    found_share: float
    obstacles: dict[str, int]


def mixed_search(seed: int) -> Searches:
    """Search over 90 days for companies and rigs by chance, and book what is found."""
    chance = random.Random(seed)
    centre, companies = _centre()
    rigs = [pool.resource for pool in centre.pools.values() if _brings_gpus(centre, pool.resource)]
    took: list[float] = []
    obstacles: Counter[str] = Counter()
    for number in range(SEARCHES):
        wish = _wish(chance.choice(companies), chance.choice(rigs))
        began = time.perf_counter()
        found = offers.search(centre, wish, NOW)
        took.append(time.perf_counter() - began)
        obstacles.update(violation.reason.name for violation in found.violations)
        if found.intervals:
            start, end = found.intervals[0]
            asked = CreateReservation(
                reservation_id=f"mixed-{number}", company=wish.company, start=start, end=end, lines=wish.lines
            )
            centre.apply(decide(centre, asked, NOW), NOW, centre.position + 1)
    share = len(centre.reservations) / SEARCHES
    return Searches(latency_ms=percentiles_ms(took), found_share=share, obstacles=dict(obstacles))


def _centre() -> tuple[Centre, list[str]]:
    """The whole catalogue, and the companies that may use the training pool.

    All may look 90 days ahead, and are certified and trained: only time and room stand in the way, which must be found.
    """
    real = read_catalogue(CENTRE_FOLDER)
    for company in real.companies:
        company.horizon.seconds = SEARCH_DAYS * DAY_SECONDS
        company.certified = True
    centre = Centre()
    centre.apply(registered(real.resources, real.companies, real.quotas), NOW, 1)
    holders = dict.fromkeys(quota.company for quota in real.quotas if quota.meter == f"resources/{TRAINING_POOL}")
    companies = [name.removeprefix("companies/") for name in holders]
    centre.apply(_trainings(centre, companies), NOW, 1)
    return centre, companies


def _trainings(centre: Centre, companies: list[str]) -> Iterator[QualificationGranted]:
    """Everybody may run everything for all of the time that is searched."""
    for company in companies:
        for pool in centre.pools.values():
            if pool.resource.training_required:
                training = Qualification(
                    company=company, resource=pool.resource.id, start=NOW, end=NOW + 2 * SEARCH_DAYS * DAY_SECONDS
                )
                yield QualificationGranted(qualification=training)


def _brings_gpus(centre: Centre, resource: Resource) -> bool:
    return any(centre.pools[each.resource].resource.kind is Kind.COMPUTE for each in resource.companions)


def _wish(company: str, rig: Resource) -> offers.Search:
    return offers.Search(
        company=company,
        lines=(Line(resource=rig.id, units=1), Line(resource=TRAINING_POOL, units=TRAINING_GPUS)),
        duration=rig.slot_minutes * 60,
        earliest=NOW,
        latest=NOW + SEARCH_DAYS * DAY_SECONDS,
        count=1,
    )
