"""Flexible searches between the API and the core: what may vary, which offer is better, and what was refused."""

from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.offering.choice import Choice, Chosen, Offered, Order
from services.allocation.offering.offers import Search
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire import replies
from services.scheduler.wire.cost_replies import cost_reply
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.refusals import violation_of

ORDERS = {
    api.OFFER_ORDER_UNSPECIFIED: Order.EARLIEST,
    api.OFFER_ORDER_CHEAPEST: Order.CHEAPEST,
    api.OFFER_ORDER_CLOSEST: Order.CLOSEST,
}
REFUSED_MAX = 20
CALLS = 4
"""So many calls more is the work of a search worth that lets something vary, or tells what is refused."""
FLEXIBLE = ("duration_max", "units_min", "order", "desired_start_time", "refused_max", "priced")


def is_choice(request: api.SearchOffersRequest) -> bool:
    """Whether it asks for more than the earliest intervals of one demand."""
    set_fields = {field.name for field, _ in request.ListFields()}
    return not set_fields.isdisjoint(FLEXIBLE)


def choice_of(fields: Fields, request: api.SearchOffersRequest, search: Search) -> Choice:
    """A search with all that may vary; what is wrong with that is in the fields."""
    longest = search.duration
    if request.HasField("duration_max"):
        longest = fields.seconds("duration_max", request.duration_max)
        if longest < search.duration:
            fields.fault("duration_max", "must not be shorter than duration")
    if not 0 <= request.refused_max <= REFUSED_MAX:
        fields.fault("refused_max", f"must be between 0 and {REFUSED_MAX}")
    if request.order not in ORDERS:
        fields.fault("order", "must be the earliest, the cheapest or the closest")
    if request.HasField("desired_start_time") and request.order != api.OFFER_ORDER_CLOSEST:
        fields.fault("desired_start_time", "is only for the closest offers")
    return Choice(
        company=search.company,
        lines=search.lines,
        fewest=_fewest(fields, request, search),
        shortest=search.duration,
        longest=longest,
        earliest=search.earliest,
        latest=search.latest,
        count=search.count,
        order=ORDERS.get(request.order, Order.EARLIEST),
        desired=fields.seconds("desired_start_time", request.desired_start_time),
        refused=request.refused_max,
        hold_seconds=search.hold_seconds,
        participants=search.participants,
    )


def _fewest(fields: Fields, request: api.SearchOffersRequest, search: Search) -> tuple[int, ...]:
    """The least units of each line: all of them, unless something else is said."""
    said: dict[str, int] = {}
    for number, (name, units) in enumerate(request.units_min.items()):
        (resource,) = fields.name(f"units_min[{number}]", name, "resources")
        most = next((line.units for line in search.lines if line.resource == resource), 0)
        if not 1 <= units <= most:
            fields.fault(f"units_min[{number}]", "must be at least 1, and no more than the units of a line on it")
        said[resource] = units
    return tuple(said.get(line.resource, line.units) for line in search.lines)


def chosen_reply(chosen: Chosen) -> api.SearchOffersResponse:
    """What was found."""
    return api.SearchOffersResponse(
        offers=map(offer_reply, chosen.offers),
        violations=map(violation_of, chosen.violations),
        refused=[
            api.RefusedWindows(
                first_start_time=Timestamp(seconds=windows.first_start),
                last_start_time=Timestamp(seconds=windows.last_start),
                violations=map(violation_of, windows.violations),
            )
            for windows in chosen.explained.windows
        ],
        explained_from_time=moment(chosen.explained.first),
        explained_until_time=moment(chosen.explained.last),
        searched_until_time=moment(chosen.searched_until),
    )


def moment(seconds: int) -> Timestamp | None:
    """A time; None for 0."""
    return Timestamp(seconds=seconds) if seconds else None


def offer_reply(offer: Offered) -> api.Offer:
    """An offer with its price."""
    return api.Offer(
        start_time=Timestamp(seconds=offer.start),
        end_time=Timestamp(seconds=offer.end),
        lines=replies.line_replies(offer.lines),
        cost=cost_reply(offer.price),
    )
