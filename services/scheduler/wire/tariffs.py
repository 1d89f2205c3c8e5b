"""Money between the API and the core: rate cards, and months that the books are closed up to."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.values.months import MONTH, ClosedMonth
from services.allocation.values.tariff import Basis, Discount, Peak, Price, Tariff
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields

BASES = {
    api.PRICE_BASIS_UNSPECIFIED: Basis.HOUR,
    api.PRICE_BASIS_HOUR: Basis.HOUR,
    api.PRICE_BASIS_SLOT: Basis.SLOT,
}
BASIS_OF = {Basis.HOUR: api.PRICE_BASIS_HOUR, Basis.SLOT: api.PRICE_BASIS_SLOT}
ATTRIBUTE_CHARACTERS_MAX = 200


def publish_tariff(request: api.PublishTariffRequest) -> commands.PublishTariff:
    """A rate card. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.tariff
    (name,) = fields.name("tariff.name", given.name, "tariffs")
    wish = Tariff(
        id=name,
        valid_from=fields.seconds("tariff.valid_from_time", given.valid_from_time),
        prices=tuple(_price(fields, number, price) for number, price in enumerate(given.prices)),
        discounts=tuple(_discount(fields, number, each) for number, each in enumerate(given.discounts)),
        share_step=given.share_step,
        compute_late_percent=given.compute_late_percent,
        equipment_late_percent=given.equipment_late_percent,
        no_show_percent=given.no_show_percent,
        late_return_percent=given.late_return_percent,
        displacement_percent=given.displacement_percent,
        peaks=tuple(_peak(fields, number, peak) for number, peak in enumerate(given.peaks)),
    )
    fields.demand_valid()
    return commands.PublishTariff(tariff=wish)


def close_period(request: api.ClosePeriodRequest) -> commands.ClosePeriod:
    """A month to be closed. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    if not MONTH.fullmatch(request.month):
        fields.fault("month", "must be of the form 2026-03")
    fields.demand_valid()
    return commands.ClosePeriod(month=request.month)


def _price(fields: Fields, number: int, price: api.Price) -> Price:
    where = f"tariff.prices[{number}]"
    (resource,) = fields.name(f"{where}.resource", price.resource, "resources")
    if price.krw < 0:
        fields.fault(f"{where}.krw", "must not be negative")
    if price.basis not in BASES:
        fields.fault(f"{where}.basis", "must be an hour or a slot")
    return Price(resource=resource, krw=price.krw, basis=BASES.get(price.basis, Basis.HOUR))


def _discount(fields: Fields, number: int, discount: api.Discount) -> Discount:
    where = f"tariff.discounts[{number}]"
    return Discount(
        attribute=fields.text(f"{where}.attribute", discount.attribute, ATTRIBUTE_CHARACTERS_MAX),
        value=fields.text(f"{where}.value", discount.value, ATTRIBUTE_CHARACTERS_MAX),
        percent=discount.percent,
    )


def _peak(fields: Fields, number: int, peak: api.Peak) -> Peak:
    where = f"tariff.peaks[{number}].resources"
    names = [fields.name(f"{where}[{place}]", name, "resources") for place, name in enumerate(peak.resources)]
    return Peak(
        weekdays=tuple(day - 1 for day in peak.weekdays),
        starts=peak.starts_minute,
        ends=peak.ends_minute,
        percent=peak.percent,
        resources=tuple(name for (name,) in names),
    )


def tariff_reply(tariff: Tariff) -> api.Tariff:
    """A rate card as clients see it."""
    return api.Tariff(
        name=f"tariffs/{tariff.id}",
        valid_from_time=Timestamp(seconds=tariff.valid_from) if tariff.valid_from else None,
        prices=[
            api.Price(resource=f"resources/{price.resource}", krw=price.krw, basis=BASIS_OF[price.basis])
            for price in tariff.prices
        ],
        discounts=[
            api.Discount(attribute=each.attribute, value=each.value, percent=each.percent) for each in tariff.discounts
        ],
        share_step=tariff.share_step,
        compute_late_percent=tariff.compute_late_percent,
        equipment_late_percent=tariff.equipment_late_percent,
        no_show_percent=tariff.no_show_percent,
        late_return_percent=tariff.late_return_percent,
        displacement_percent=tariff.displacement_percent,
        peaks=[
            api.Peak(
                weekdays=[day + 1 for day in peak.weekdays],
                starts_minute=peak.starts,
                ends_minute=peak.ends,
                percent=peak.percent,
                resources=[f"resources/{name}" for name in peak.resources],
            )
            for peak in tariff.peaks
        ],
    )


def period_reply(period: ClosedMonth) -> api.ClosedPeriod:
    """A frozen month as clients see it."""
    return api.ClosedPeriod(
        month=period.month, start_time=Timestamp(seconds=period.start), end_time=Timestamp(seconds=period.end)
    )
