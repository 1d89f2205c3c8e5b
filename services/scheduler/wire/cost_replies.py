"""What things cost, as clients see it: reservations with their price, and what giving them back would bring."""

from google.protobuf.timestamp_pb2 import Timestamp
from msgspec.structs import replace

from services.allocation.centre import Centre
from services.allocation.money.costing import Price, price_by, price_of
from services.allocation.money.quoting import Quote
from services.allocation.reservations import Reservation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire import replies

CURRENCY = "KRW"


def priced_reply(centre: Centre, reservation: Reservation, company: str = "") -> api.Reservation:
    """A reservation to a company, or to the centre, with what it costs. P8: what another offers is told without."""
    return api.Reservation(**_priced(centre, reservation, replies.told_plain(centre, reservation, company)))


def telling(request: api.BatchCreateReservationsRequest | api.BookStreamRequest) -> replies.Telling:
    """How much whoever books many wants to be told of each."""
    if request.brief:
        return _brief_priced if request.priced else replies.plain_brief
    return _whole_priced if request.priced else replies.plain_reservation


def _whole_priced(centre: Centre, reservation: Reservation) -> replies.Plain:
    return _priced(centre, reservation, replies.plain_reservation(centre, reservation))


def _brief_priced(centre: Centre, reservation: Reservation) -> replies.Plain:
    return _priced(centre, reservation, replies.plain_brief(centre, reservation))


def _priced(centre: Centre, reservation: Reservation, plain: replies.Plain) -> replies.Plain:
    """Only what holds something costs something: an offer to take over holds nothing that its reader may see."""
    if reservation.holding and (price := price_of(centre, reservation)) is not None:
        plain["cost"] = plain_cost(price)
        if "asked_change" in plain and reservation.asked is not None:
            then = price_by(centre, reservation.as_asked, price.card)
            plain["asked_change"]["cost_change_krw"] = then.krw - price.krw
    return plain


def cost_to(centre: Centre, reservation: Reservation, company: str) -> api.Reservation:
    """The price, and nothing else, of a reservation for another company that takes it over with its own discounts."""
    return api.Reservation(cost=cost_reply(price_of(centre, replace(reservation, company=company))))


def cost_reply(price: Price | None) -> api.Cost | None:
    """What something costs; None while nothing has a price."""
    return api.Cost(**plain_cost(price)) if price is not None else None


def plain_cost(price: Price) -> replies.Plain:
    """The same, to be put into another message."""
    return {
        "krw": price.krw,
        "tariff": f"tariffs/{price.card.id}",
        "resources": [{"resource": f"resources/{name}", "krw": krw} for name, krw in price.by_resource.items()],
        "currency": CURRENCY,
        "discount_krw": price.discount,
    }


def quote_reply(quote: Quote) -> api.CancellationQuote:
    """What cancelling would bring."""
    return api.CancellationQuote(
        fees=[
            api.CancellationFee(
                resource=f"resources/{fee.resource}",
                free_until_time=Timestamp(seconds=fee.free_until),
                percent=fee.percent,
                price_krw=fee.price,
                due_krw=fee.due,
                return_percent=fee.return_percent,
            )
            for fee in quote.fees
        ],
        strike=quote.strike,
        due_krw=quote.due,
        refund_krw=quote.refund,
    )
