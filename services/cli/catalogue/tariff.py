"""The rate card: what `centre.yaml` says of charging and the fees of the equipment; or a file of its own.

id: krw-2027
valid_from: 2027-01-01                # a day in the centre's zone; without it, from its publication on
prices: {h100-train: {hour: 3100}, M01: {slot: 650000}}
discounts: [{attribute: stage, value: university, percent: 100}]
share_step: 125
late_cancel_percent: {compute: 100, equipment: 100}
no_show_percent: 100
late_return_percent: 100              # of a late fee, as far as somebody books the time again
displacement_percent: 10              # of the price of what an outage takes, given beyond not charging it
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.catalogue.tables import CatalogueError, Rules, clock_minute, read_rules, weekdays
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SHARE_STEP = 125
DISCOUNT_KINDS = {
    "gwangju_company": ("region", "gwangju"),
    "youth_company": ("youth_founder", "True"),
}
"""What a company's attributes must be for a discount that does not go by its stage."""
BASES = {"hour": api.PRICE_BASIS_HOUR, "slot": api.PRICE_BASIS_SLOT}


def charging_tariff(rules: Rules, equipment: Iterable[api.Resource]) -> api.Tariff:
    """The rate card of `centre.yaml`, valid from its publication on."""
    charging = rules.at("charging")
    late = int(rules.at("equipment_rules", "late_cancel_charge_pct"))
    prices = [price(pool, "hour", krw) for pool, krw in rules.at("charging", "list_price_krw").items()]
    fees = [
        api.Price(resource=item.name, krw=item.fee_krw_per_slot, basis=api.PRICE_BASIS_SLOT)
        for item in equipment
        if item.fee_krw_per_slot
    ]
    return api.Tariff(
        name=f"tariffs/{rules.at('charging', 'tariff')}",
        prices=[*prices, *fees],
        discounts=[discount(kind, percent) for kind, percent in charging.get("discounts_pct", {}).items()],
        share_step=SHARE_STEP,
        compute_late_percent=late if rules.at("compute_slots", "charge_unused_reservation") else 0,
        equipment_late_percent=late,
        no_show_percent=int(rules.at("compute_slots", "no_show", "charge_pct")),
        peaks=[peak(**each) for each in charging.get("peaks", [])],
        late_return_percent=int(rules.data["equipment_rules"].get("late_cancel_return_pct", 0)),
        displacement_percent=int(charging.get("displacement_pct", 0)),
    )


def discount(kind: str, percent: int) -> api.Discount:
    """A discount by its name in the rules: a stage of a company, unless it is one of `DISCOUNT_KINDS`."""
    attribute, value = DISCOUNT_KINDS.get(kind, ("stage", kind))
    return api.Discount(attribute=attribute, value=value, percent=percent)


def price(resource: str, basis: str, krw: Any) -> api.Price:
    """One price. Raises KeyError or ValueError for what is none."""
    return api.Price(resource=f"resources/{resource}", krw=int(krw), basis=BASES[basis])


def peak(when: str, percent: int, resources: Iterable[str] = ()) -> api.Peak:
    """A window such as `mon-fri 18:00-08:00+1`. Raises ValueError or TypeError for what is none."""
    days, _, clock = when.partition(" ")
    starts, _, ends = clock.partition("-")
    return api.Peak(
        weekdays=weekdays(days),
        starts_minute=clock_minute(starts),
        ends_minute=clock_minute(ends),
        percent=int(percent),
        resources=[f"resources/{name}" for name in resources],
    )


def read_tariff(path: Path, zone: ZoneInfo) -> api.Tariff:
    """A rate card in a file of its own. Raises `CatalogueError`."""
    rules = read_rules(path)
    try:
        late = rules.data.get("late_cancel_percent", {})
        return api.Tariff(
            name=f"tariffs/{rules.at('id')}",
            valid_from_time=first_moment(rules.data.get("valid_from"), zone),
            prices=[price(name, basis, krw) for name, by in rules.at("prices").items() for basis, krw in by.items()],
            discounts=[api.Discount(**each) for each in rules.data.get("discounts", [])],
            share_step=int(rules.data.get("share_step", 0)),
            compute_late_percent=int(late.get("compute", 0)),
            equipment_late_percent=int(late.get("equipment", 0)),
            no_show_percent=int(rules.data.get("no_show_percent", 0)),
            peaks=[peak(**each) for each in rules.data.get("peaks", [])],
            late_return_percent=int(rules.data.get("late_return_percent", 0)),
            displacement_percent=int(rules.data.get("displacement_percent", 0)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise CatalogueError(f"{path}: cannot make sense of {problem}") from problem


def first_moment(day: Any, zone: ZoneInfo) -> Timestamp | None:
    """The beginning of a day in the centre's zone."""
    if day is None:
        return None
    if not isinstance(day, date):
        raise ValueError(f"valid_from {day!r}: write a day, such as 2027-01-01")
    return Timestamp(seconds=int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()))
