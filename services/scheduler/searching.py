"""SearchOffers: when a demand would be granted, and with `hold` the first offer held in the same decision."""

from msgspec.structs import replace

from services.allocation.commands import CreateReservation, Tick
from services.allocation.offering import offers
from services.allocation.offering.choice import Choice
from services.allocation.offering.choosing import choosing
from services.allocation.offering.extending import extending
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.scheduler.access import actor_of, company_of, log_unavailable, no_reservation
from services.scheduler.ask import Ask
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind
from services.scheduler.telemetry import Telemetry
from services.scheduler.turns import Turns
from services.scheduler.wire import choices, cost_replies, replies, requests
from services.scheduler.wire.fields import SECONDS_MAX, Fields
from services.scheduler.wire.refusals import problem_of, violation_of
from services.scheduler.writer import Writer

OFFERS_MAX = 20
OFFERS_DEFAULT = 3
EXTENSION_FIELDS = frozenset({"parent", "reservation", "latest_end_time", "page_size"})

Wish = offers.Search | Choice


class Searching:
    """Looks for offers, and holds the first one when asked to."""

    def __init__(self, writer: Writer, telemetry: Telemetry, turns: Turns) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._telemetry = telemetry
        self._turns = turns

    async def search_offers(self, call: Call, request: api.SearchOffersRequest) -> api.SearchOffersResponse:
        """The best intervals in which a demand would be granted."""
        company = company_of(call, request.parent)
        if request.reservation:
            return await self._extensions(call, company, request)
        wish = self._wish(company, request)
        if isinstance(wish, Choice) and (wish.longest > wish.shortest or request.units_min or wish.refused):
            call.spend(choices.CALLS)
        try:
            if wish.hold_seconds:
                return await self._hold(call, request, wish)
            response, _ = await self._look(call, wish)
            await self._writer.pages.durable(response.position)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        except LogBehind as error:
            raise log_unavailable(error) from None
        return response

    async def _look(self, call: Call, wish: Wish) -> tuple[api.SearchOffersResponse, CreateReservation | None]:
        """What is found, and the wish that would book the first of it: nothing has changed since. Raises `Rejected`."""
        began = self._writer.decided
        response, command = await self._found(actor_of(call), wish)
        response.began_position, response.position = began, self._writer.decided
        return response, command

    async def _found(self, tenant: str, wish: Wish) -> tuple[api.SearchOffersResponse, CreateReservation | None]:
        if isinstance(wish, Choice):
            chosen = await self._turns.take(tenant, choosing(self._centre, wish, self._seconds()))
            first = next(iter(chosen.offers), None)
            lasts = (first.lines, first.start, first.end - first.start) if first is not None else None
            command = replace(wish.command(*lasts), reservation_id=requests.new_id()) if lasts is not None else None
            return choices.chosen_reply(chosen), command
        found = await self._turns.take(tenant, offers.searching(self._centre, wish, self._seconds()))
        command = _command(wish, found.intervals[0][0]) if found.intervals else None
        return _response(wish, found), command

    async def _hold(self, call: Call, request: api.SearchOffersRequest, wish: Wish) -> api.SearchOffersResponse:
        """Hold the first offer. Nothing can come between the last step of the search and the decision."""
        ask = Ask(
            command=Tick(),  # Whatever is to be held is put in its place.
            actor=actor_of(call),
            request_id=request.request_id,
            digest=requests.digest_of(request),
        )
        known = self._writer.known(ask) is not None
        response = api.SearchOffersResponse()
        if not known:
            response, first = await self._look(call, wish)
            known = self._writer.known(ask) is not None  # The same call, come twice, may have been faster.
            if not known and first is None:
                await self._writer.pages.durable(response.position)
                return response
            ask = ask if first is None else replace(ask, command=first)
        held, response.position = await self._writer.submit(ask)
        assert isinstance(held, Reservation)
        self._telemetry.answered(wish.company, "replay" if known else "granted")
        if known:
            response = api.SearchOffersResponse(position=response.position)
            response.offers.extend(replies.offer_replies(held.lines, [(held.start, held.end)]))
        response.held.CopyFrom(cost_replies.priced_reply(self._centre, held))
        return response

    async def _extensions(self, call: Call, company: str, request: api.SearchOffersRequest) -> api.SearchOffersResponse:
        """Until when a reservation could be extended now."""
        fields = Fields()
        whose, name = fields.name("reservation", request.reservation, "companies", "reservations")
        for field, _ in request.ListFields():
            if field.name not in EXTENSION_FIELDS:
                fields.fault(field.name, "is not for extending a reservation, which says it itself")
        if not 0 <= request.page_size <= OFFERS_MAX:
            fields.fault("page_size", f"must be between 0 and {OFFERS_MAX}")
        latest = fields.seconds("latest_end_time", request.latest_end_time) or SECONDS_MAX
        fields.demand_valid()
        reservation = self._centre.reservations.get(name)
        if reservation is None or reservation.company != company or whose != company:
            raise problem_of(no_reservation(request.reservation))
        count = request.page_size or OFFERS_DEFAULT
        looking = extending(self._centre, reservation, count, latest, self._seconds())
        found = await self._turns.take(actor_of(call), looking)
        position = self._writer.decided
        try:
            await self._writer.pages.durable(position)
        except LogBehind as error:
            raise log_unavailable(error) from None
        return api.SearchOffersResponse(
            offers=replies.offer_replies(reservation.lines, found.intervals),
            violations=[violation_of(violation) for violation in found.violations],
            position=position,
        )

    def _wish(self, company: str, request: api.SearchOffersRequest) -> Wish:
        fields = Fields()
        if not 0 <= request.page_size <= OFFERS_MAX:
            fields.fault("page_size", f"must be between 0 and {OFFERS_MAX}")
        duration = fields.seconds("duration", request.duration)
        if duration == 0:
            fields.fault("duration", "is required")
        earliest = fields.seconds("earliest_start_time", request.earliest_start_time)
        latest = fields.seconds("latest_end_time", request.latest_end_time) or SECONDS_MAX
        lines = requests.lines_of(fields, "lines", request.lines)
        hold = requests.hold_of(fields, request)
        if hold:
            request.request_id = fields.request_id(request.request_id)
        elif request.request_id:
            fields.fault("request_id", "is only for a search with `hold`; looking changes nothing")
        search = offers.Search(
            company=company,
            lines=lines,
            duration=duration,
            earliest=max(earliest, self._seconds()),
            latest=latest,
            count=request.page_size or OFFERS_DEFAULT,
            hold_seconds=hold,
            participants=requests.participants_of(fields, "participants", request),
        )
        wish = choices.choice_of(fields, request, search) if choices.is_choice(request) else search
        fields.demand_valid()
        return wish

    def _seconds(self) -> int:
        return self._writer.now() // MICROSECONDS


def _command(wish: offers.Search, start: int) -> CreateReservation:
    return CreateReservation(
        reservation_id=requests.new_id(),
        company=wish.company,
        start=start,
        end=start + wish.duration,
        lines=wish.lines,
        hold_seconds=wish.hold_seconds,
        participants=wish.participants,
    )


def _response(wish: offers.Search, found: offers.Found) -> api.SearchOffersResponse:
    return api.SearchOffersResponse(
        offers=replies.offer_replies(wish.lines, found.intervals),
        violations=[violation_of(violation) for violation in found.violations],
        searched_until_time=choices.moment(found.searched_until),
    )
