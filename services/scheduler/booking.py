"""The methods that change something: a request becomes a command, and its durable result becomes a reply."""

import asyncio
import time
from typing import Any

from services.allocation import commands
from services.allocation.booking.transferring import offer_of
from services.allocation.decide import decide
from services.allocation.events import Events
from services.allocation.money.costing import drafted, price_by, price_of
from services.allocation.money.quoting import Quote, cancellation_quote, change_quote, release_quote
from services.allocation.offering.explaining import explaining
from services.allocation.offering.smallest import Wish
from services.allocation.rejections import Rejected
from services.allocation.reservations import Reservation, State
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.problems import Problem
from services.scheduler import batch
from services.scheduler.access import actor_of, company_of, demand_operator, demand_own, demand_reason, log_unavailable
from services.scheduler.answering import answer, ask_of
from services.scheduler.ask import Ask
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind
from services.scheduler.telemetry import Telemetry
from services.scheduler.turns import Turns
from services.scheduler.wire import approvals, changes, cost_replies, replies, requests, transfers
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer

Change = (
    commands.ConfirmReservation
    | commands.ApproveReservation
    | commands.DenyReservation
    | commands.CancelReservation
    | commands.CheckIn
    | commands.ReleaseReservation
    | commands.AcceptTransfer
    | commands.DeclineTransfer
)
"""What is asked of a reservation that there is."""


EXPLAINING_SECONDS_MAX = 1.0
"""A no goes out by then, explained or not."""


class Booking:
    """Books, changes and registers, through the one writer."""

    def __init__(self, writer: Writer, telemetry: Telemetry, turns: Turns) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._telemetry = telemetry
        self._turns = turns

    async def create_reservation(self, call: Call, request: api.CreateReservationRequest) -> api.Reservation:
        """Book every line of a demand, together or not at all."""
        began = time.perf_counter()
        company = company_of(call, request.parent)
        command = requests.create_reservation(request, company, requests.new_id())
        if command.override is not None:
            demand_operator(call, "Only an operator overrides a rule.")
        only_asking = request.validate_only
        try:
            if only_asking:
                request.validate_only = False
                return self._draft(ask_of(call, request, command), command)
            reservation = await answer(self._writer, call, request, command)
        except Rejected as refusal:
            if not only_asking:
                self._telemetry.answered(company, "refused")
                self._telemetry.refused(refusal, frozenset(self._centre.pools))
                self._telemetry.unmet(command, refusal)
            raise await self._explained(call, command, refusal) from None
        except Problem:
            self._telemetry.answered(company, "unknown")
            raise
        assert isinstance(reservation, Reservation)
        self._telemetry.answered(company, "granted" if reservation.id == command.reservation_id else "replay")
        seconds = time.perf_counter() - began
        self._telemetry.decided(command.lines[0].resource, seconds, call.trace, reservation.position)
        return cost_replies.priced_reply(self._centre, reservation)

    async def batch_create_reservations(
        self, call: Call, request: api.BatchCreateReservationsRequest
    ) -> api.BatchCreateReservationsResponse:
        """Book many demands, each for itself or all together."""
        company = company_of(call, request.parent)
        asks = batch.asks_of(request, company, actor_of(call))
        call.spend(len(asks) - 1)  # The door has taken one already.
        try:
            answers = await batch.book(self._writer, self._telemetry, company, asks, request.atomic)
        except LogBehind as error:
            raise log_unavailable(error) from None
        tell = cost_replies.telling(request)
        return api.BatchCreateReservationsResponse(
            results=[
                batch.result_of(self._centre, ask.request_id, answer, tell)
                for ask, answer in zip(asks, answers, strict=True)
            ],
            position=self._writer.pages.head.position,
        )

    async def update_reservation(self, call: Call, request: api.UpdateReservationRequest) -> api.Reservation:
        """Extend, shorten, move or resize a reservation, or change its note: all of it or nothing. Or offer it."""
        company, reservation_id = requests.reservation_name(request.reservation.name, "reservation.name")
        command = changes.update_reservation(request, company, reservation_id)
        demand_own(call, company, request.reservation.name)
        if request.excused:
            demand_operator(call, "Only an operator excuses what is given back late.")
        try:
            if request.validate_only:
                request.validate_only = False
                decided = self._writer.check(ask_of(call, request, command))
                return self._preview(self._centre.reservations[reservation_id], decided, excused=request.excused)
            made = await answer(self._writer, call, request, command)
        except Rejected as refusal:
            if isinstance(command, commands.OfferTransfer):
                raise problem_of(refusal) from None
            raise await self._explained(call, command, refusal) from None
        assert isinstance(made, Reservation)
        return cost_replies.priced_reply(self._centre, made)

    def _preview(self, before: Reservation, decided: Events, *, excused: bool) -> api.Reservation:
        """A reservation as a change would leave it, its price, and what giving a part of it back late would bring."""
        shown = changes.preview(self._centre, before, decided)
        reply = replies.reservation_reply(self._centre, shown)
        shown = shown.as_asked  # What it would come to, once somebody agrees.
        price = price_of(self._centre, before)
        if price is not None:
            then = price_by(self._centre, shown, price.card)
            reply.MergeFrom(api.Reservation(cost=cost_replies.cost_reply(then), cost_change_krw=then.krw - price.krw))
        quote = change_quote(self._centre, before, shown, self._writer.now() // MICROSECONDS, excused=excused)
        if quote.fees or quote.strike:
            reply.cancellation_quote.CopyFrom(cost_replies.quote_reply(quote))
        return reply

    async def change_reservation(self, call: Call, request: requests.ChangeRequest) -> api.Reservation:
        """Confirm a held offer, cancel before the start, check in, or release while it is active."""
        company, reservation_id = requests.reservation_name(request.name)
        command = requests.change(request, company, reservation_id)
        demand_own(call, company, request.name)
        if isinstance(request, api.CancelReservationRequest | api.ReleaseReservationRequest):
            demand_reason(call, request)
            if request.excused:
                demand_operator(call, "Only an operator excuses what is given back late.")
        return await self._change(call, request, command)

    async def decide_reservation(self, call: Call, request: approvals.Decision) -> api.Reservation:
        """Count a vote for or against a pending reservation."""
        company, reservation_id = requests.reservation_name(request.name)
        return await self._change(call, request, approvals.vote(request, company, reservation_id, actor_of(call)))

    async def answer_transfer(self, call: Call, request: transfers.Answer) -> api.Reservation:
        """Take over what another company offers, or do not."""
        company, reservation_id = requests.reservation_name(request.name)
        command = transfers.answer_to_offer(request, company, reservation_id, call.identity.company)
        only_asked = request.validate_only
        reply = await self._change(call, request, command)
        if only_asked and isinstance(command, commands.AcceptTransfer):
            offered = self._centre.reservations[reservation_id]
            reply.MergeFrom(cost_replies.cost_to(self._centre, offered, offered.offered_to))
        return reply

    async def _change(self, call: Call, request: Any, command: Change) -> api.Reservation:
        """The reservation as a command leaves it; as it stands, if the command was only to be checked."""
        try:
            reservation = await answer(self._writer, call, request, command)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        shown = reservation or self._centre.reservations[command.reservation_id]
        assert isinstance(shown, Reservation)
        if call.identity.company not in ("", shown.company):
            # An offer, as whoever only looked at it or declined it may see it.
            return cost_replies.priced_reply(self._centre, offer_of(shown), call.identity.company)
        reply = cost_replies.priced_reply(self._centre, shown)
        quote = self._quoted(shown, command) if reservation is None else None
        if quote is not None:
            reply.cancellation_quote.CopyFrom(cost_replies.quote_reply(quote))
        return reply

    def _quoted(self, shown: Reservation, command: Change) -> Quote | None:
        """What giving a reservation back now would bring, where a command that is only checked would do that."""
        now = self._writer.now() // MICROSECONDS
        match command:
            case commands.CancelReservation() if shown.state.waiting:
                return cancellation_quote(self._centre, shown, now, excused=command.excused)
            case commands.ReleaseReservation() if shown.state is State.ACTIVE:
                after = changes.preview(self._centre, shown, decide(self._centre, command, now))
                return release_quote(self._centre, shown, after, now, excused=command.excused)
            case _:
                return None

    async def _explained(self, call: Call, wish: Wish, refusal: Rejected) -> Problem:
        """The refusal with what would be granted instead; without it where looking for that would take too long."""
        looking = explaining(self._centre, wish, refusal, self._writer.now() // MICROSECONDS)
        try:
            async with asyncio.timeout(EXPLAINING_SECONDS_MAX):
                found = await self._turns.take(actor_of(call), looking)
        except (TimeoutError, Problem):
            return problem_of(refusal)
        others = replies.offer_replies(wish.lines or (), found.alternatives)
        return problem_of(refusal, others, replies.smallest_replies(found.smallest))

    def _draft(self, ask: Ask, command: commands.CreateReservation) -> api.Reservation:
        """What a demand that is only checked would look like and cost. Raises `Rejected`."""
        decided, known = self._writer.check(ask), self._writer.known(ask)
        made = known.subject if known is not None else drafted(decided, self._writer.now() // MICROSECONDS)
        assert isinstance(made, Reservation)
        cost = cost_replies.cost_reply(price_of(self._centre, made))
        reply = api.Reservation(lines=replies.line_replies(command.lines), note=command.note, cost=cost)
        reply.start_time.seconds = command.start
        reply.end_time.seconds = command.end
        return reply
