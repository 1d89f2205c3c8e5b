"""The methods that only look: what they tell is durable, and true at the position that they name."""

from collections.abc import AsyncGenerator

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation.booking.transferring import seen_by
from services.allocation.calendars.pool import Pool
from services.allocation.rejections import Reason, refuse
from services.allocation.resources import Resource
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.runtime.problems import Problem
from services.scheduler import reads
from services.scheduler.access import RETRY_SECONDS, company_of, handed_over, log_unavailable, no_reservation
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind
from services.scheduler.watch import Watches
from services.scheduler.wire import catalogue, companies, cost_replies, outage_replies, replies, requests, tariffs
from services.scheduler.wire.fields import Fields
from services.scheduler.wire.refusals import problem_of
from services.scheduler.writer import Writer


class Reading:
    """Answers from the state in memory."""

    def __init__(self, writer: Writer, watches: Watches) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._watches = watches

    async def list_resources(self, call: Call, request: api.ListResourcesRequest) -> api.ListResourcesResponse:
        """What can be booked, by name."""
        page = reads.Page.of(request.page_size, request.page_token, f"resources {request.kind}", default=100, most=500)
        position, seconds = self.reached(0), self.seconds()
        found, token = reads.list_resources(self._centre, catalogue.KINDS.get(request.kind), page)
        await self.durable(position)
        return api.ListResourcesResponse(
            resources=[catalogue.resource_reply(resource, nodes=False) for resource in found],
            next_page_token=token,
            position=position,
            time=Timestamp(seconds=seconds),
        )

    async def get_resource(self, call: Call, request: api.GetResourceRequest) -> api.Resource:
        """One resource and its rules."""
        position = self.reached(0)
        resource = self.pool(request.name).resource
        reply = catalogue.resource_reply(resource, nodes=True)
        reply.outages.extend(outage_replies.resource_outages(self._centre, resource, self.seconds()))
        reply.funding.extend(map(outage_replies.funding_reply, self._centre.pools[resource.id].fundings))
        await self.durable(position)
        return reply

    async def get_calendar(self, call: Call, request: api.GetCalendarRequest) -> api.Calendar:
        """How many units are free, and when."""
        pool = self.pool(request.name)
        self.demand_entitled(call, pool.resource)
        fields = Fields()
        start = fields.time("start_time", request, "start_time")
        end = fields.time("end_time", request, "end_time")
        fields.demand_valid()
        position = self.reached(request.min_position)
        intervals = reads.calendar_reply(pool, start, end, self.seconds())
        await self.durable(position)
        return api.Calendar(
            resource=request.name,
            intervals=intervals,
            capacity_units=pool.resource.capacity,
            position=position,
        )

    async def list_tariffs(self, call: Call, request: api.ListTariffsRequest) -> api.ListTariffsResponse:
        """Every rate card, the newest first, and how far the books are closed."""
        position = self.reached(request.min_position)
        found, closed = [*self._centre.cards.published.values()], self._centre.closed
        await self.durable(position)
        return api.ListTariffsResponse(
            tariffs=[tariffs.tariff_reply(tariff) for tariff in reversed(found)],
            closed_month=closed.month if closed else "",
            position=position,
        )

    async def get_reservation(self, call: Call, request: api.GetReservationRequest) -> api.Reservation:
        """One reservation."""
        company, reservation_id = requests.reservation_name(request.name)
        position = self.reached(request.min_position)
        reservation = self._centre.reservations.get(reservation_id)
        if reservation is not None and call.identity.company in ("", company):
            for handover in reservation.handovers:
                if handover.former == company:
                    await self.durable(position)
                    raise handed_over(request.name, handover)
        if reservation is None or reservation.company != company:
            raise problem_of(no_reservation(request.name))
        shown = seen_by(reservation, call.identity.company)
        if shown is None:
            raise problem_of(no_reservation(request.name))
        reply = cost_replies.priced_reply(self._centre, shown, call.identity.company)
        await self.durable(position)
        return reply

    async def list_reservations(self, call: Call, request: api.ListReservationsRequest) -> api.ListReservationsResponse:
        """A company's reservations, or everybody's, in the order asked for."""
        company = company_of(call, request.parent, all_allowed=True)
        fields = Fields()
        wanted = reads.Wanted(
            company,
            tuple(replies.STATES[state] for state in sorted(set(request.states)) if state),
            fields.name("resource", request.resource, "resources")[0] if request.resource else "",
            fields.seconds("start_time", request.start_time),
            fields.seconds("end_time", request.end_time),
            request.order_by or "start_time",
            request.offered,
            request.to_approve,
        )
        if wanted.order not in reads.ORDERS:
            fields.fault("order_by", f"must be {' or '.join(reads.ORDERS)}")
        fields.demand_valid()
        page = reads.Page.of(request.page_size, request.page_token, repr(wanted), default=50, most=1000)
        position = self.reached(request.min_position)
        found, token = reads.list_reservations(self._centre, wanted, page)
        await self.durable(position)
        return api.ListReservationsResponse(
            reservations=[cost_replies.priced_reply(self._centre, each, company) for each in found],
            next_page_token=token,
            position=position,
        )

    async def list_quotas(self, call: Call, request: api.ListQuotasRequest) -> api.ListQuotasResponse:
        """What a company may hold in each period, and how much of that is booked."""
        company = company_of(call, request.parent)
        fields = Fields()
        start, end = fields.seconds("start_time", request.start_time), fields.seconds("end_time", request.end_time)
        fields.demand_valid()
        question = f"quotas {company} {start} {end}"
        page = reads.Page.of(request.page_size, request.page_token, question, default=100, most=500)
        position = self.reached(request.min_position)
        found, token = reads.list_quotas(self._centre, company, start, end, page)
        quotas = [companies.quota_reply(period.quota, period.booked) for period in found]
        await self.durable(position)
        return api.ListQuotasResponse(quotas=quotas, next_page_token=token, position=position)

    async def list_reserves(self, call: Call, request: api.ListReservesRequest) -> api.ListReservesResponse:
        """What reviews returned to the programmes, and what was given out of that."""
        fields = Fields()
        programme = fields.text("programme", request.programme, 64)
        fields.demand_valid()
        page = reads.Page.of(request.page_size, request.page_token, f"reserves {programme}", default=100, most=500)
        position = self.reached(request.min_position)
        found, token = reads.list_reserves(self._centre, programme, page)
        await self.durable(position)
        return api.ListReservesResponse(
            reserves=[companies.reserve_reply(each) for each in found], next_page_token=token, position=position
        )

    async def watch_reservations(
        self, call: Call, request: api.WatchReservationsRequest
    ) -> AsyncGenerator[api.WatchReservationsResponse, None]:
        """Changes in log order, without gaps."""
        company = company_of(call, request.parent, all_allowed=True)
        if request.after_position < 0:
            fields = Fields()
            fields.fault("after_position", "must not be negative")
            fields.demand_valid()
        async for position, reservation in self._watches.follow(company, request.after_position):
            yield api.WatchReservationsResponse(
                reservation=cost_replies.priced_reply(self._centre, reservation, company) if reservation else None,
                position=position,
            )

    def pool(self, name: str) -> Pool:
        fields = Fields()
        (resource,) = fields.name("name", name, "resources")
        fields.demand_valid()
        pool = self._centre.pools.get(resource)
        if pool is None:
            raise problem_of(refuse(Reason.RESOURCE_NOT_FOUND, f"There is no resource {resource!r}.", resource))
        return pool

    def demand_entitled(self, call: Call, resource: Resource) -> None:
        """P8: a company sees busy time only on what it may book, and a restricted zone needs a certificate."""
        company = self._centre.companies.get(call.identity.company)
        certified = call.identity.role is not Role.COMPANY or (company is not None and company.certified)
        if resource.data_zone == "restricted" and not certified:
            description = f"{resource.id} lies in the restricted data zone, which needs a security certificate."
            raise problem_of(refuse(Reason.NOT_ENTITLED, description, resource.id))

    def reached(self, min_position: int) -> int:
        """The position that the state is true at, just now. Raises `Problem` if the one asked for lies ahead."""
        position = self._writer.decided
        if position < min_position:
            raise Problem(
                grpc.StatusCode.UNAVAILABLE,
                "POSITION_NOT_REACHED",
                f"Position {min_position} has not been reached; this is {position}.",
                metadata={"position": str(position)},
                retry_after_seconds=RETRY_SECONDS,
            )
        return position

    async def durable(self, position: int) -> None:
        """Wait until what was read from the state at a position may be told. Raises `Problem` if the log is away.

        First read, then wait: while one waits, the state goes on to what is not durable yet.
        """
        try:
            await self._writer.pages.durable(position)
        except LogBehind as error:
            raise log_unavailable(error) from None

    def seconds(self) -> int:
        """What the centre's clock shows."""
        return self._writer.now() // MICROSECONDS
