"""What things cost, as clients see it: reservations with their price, and what giving them back would bring."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.centre import Centre
from services.allocation.money.costing import Cost, cost_of
from services.allocation.money.quoting import Quote
from services.allocation.reservations import Reservation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire import replies


def priced_reply(centre: Centre, reservation: Reservation, company: str = "") -> api.Reservation:
    """A reservation to a company, or to the centre, with what it costs: for one that is looked at, not for many."""
    reply = replies.told_reply(centre, reservation, company)
    if reservation.holding:
        reply.MergeFrom(api.Reservation(cost=cost_reply(cost_of(centre, reservation))))
    return reply


def cost_reply(cost: Cost) -> api.Cost | None:
    """What a reservation costs; None while nothing has a price."""
    if cost.card is None:
        return None
    return api.Cost(
        krw=cost.krw,
        tariff=f"tariffs/{cost.card.id}",
        resources=[api.ResourceCost(resource=f"resources/{name}", krw=krw) for name, krw in cost.by_resource.items()],
    )


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
