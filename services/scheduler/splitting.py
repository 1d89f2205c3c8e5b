"""The method that makes two reservations of one, and answers with both."""

from services.allocation.events import Events
from services.allocation.money.costing import drafted
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.scheduler.access import demand_own, log_unavailable
from services.scheduler.answering import answer, ask_of
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind
from services.scheduler.wire import changes, cost_replies, requests, splits
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer


class Splitting:
    """Splits, through the one writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._centre = writer.centre

    async def split_reservation(self, call: Call, request: api.SplitReservationRequest) -> api.SplitReservationResponse:
        """Make two reservations of one, or tell what they would be."""
        company, reservation_id = requests.reservation_name(request.name)
        command = splits.split_reservation(request, company, reservation_id, requests.new_id())
        demand_own(call, company, request.name)
        only_asking, request.validate_only = request.validate_only, False
        ask = ask_of(call, request, command)
        try:
            if only_asking:
                decided = self._writer.check(ask)
                if decided:
                    return self._preview(reservation_id, decided)
            part = await answer(self._writer, call, request, command)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        assert isinstance(part, Reservation)
        return await self._told(part)

    async def _told(self, part: Reservation) -> api.SplitReservationResponse:
        """A part as it was made, and the rest as it stands, once all that is told of it is durable."""
        assert part.origin is not None, "it was split off"
        rest = self._centre.reservations.get(part.origin.of)
        try:
            await self._writer.settled()
        except LogBehind as error:
            raise log_unavailable(error) from None
        told = api.SplitReservationResponse(part=cost_replies.priced_reply(self._centre, part))
        if rest is not None and rest.company == part.company:
            told.reservation.CopyFrom(cost_replies.priced_reply(self._centre, rest))
        return told

    def _preview(self, reservation_id: str, decided: Events) -> api.SplitReservationResponse:
        """Both as they would be. A name is given to what there is."""
        rest = changes.preview(self._centre, self._centre.reservations[reservation_id], decided)
        part = drafted(decided, self._writer.now() // MICROSECONDS)
        told = api.SplitReservationResponse(
            reservation=cost_replies.priced_reply(self._centre, rest),
            part=cost_replies.priced_reply(self._centre, part),
        )
        told.part.ClearField("name")
        return told
