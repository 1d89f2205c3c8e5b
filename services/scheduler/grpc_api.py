"""The Scheduler service: a request becomes a command, a result becomes a reply, and a refusal becomes a status."""

import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import grpc

from services.allocation import commands, offers
from services.allocation.centre import Subject
from services.allocation.commands import Command
from services.allocation.pool import Pool
from services.allocation.rejections import Reason, Rejected, refuse
from services.allocation.resources import Company, Quota, Reservation, Resource
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.runtime.identity import Role
from services.runtime.problems import Problem
from services.scheduler import batch, catalogue, reads, replies, requests
from services.scheduler.clock import MICROSECONDS
from services.scheduler.group_commit import LogBehind
from services.scheduler.refusals import problem_of, violation_of
from services.scheduler.telemetry import Telemetry
from services.scheduler.watch import Watches
from services.scheduler.writer import Ask, Writer

RETRY_SECONDS = 0.5
OFFERS_MAX = 20
OFFERS_DEFAULT = 3
ALL = "-"

EVERYBODY = frozenset(Role)
BOOKERS = frozenset({Role.COMPANY, Role.OPERATOR})
OPERATORS = frozenset({Role.OPERATOR})

ROLES = {
    "ListResources": EVERYBODY,
    "GetResource": EVERYBODY,
    "GetCalendar": EVERYBODY,
    "SearchOffers": BOOKERS,
    "CreateReservation": BOOKERS,
    "BatchCreateReservations": BOOKERS,
    "GetReservation": EVERYBODY,
    "ListReservations": EVERYBODY,
    "CancelReservation": BOOKERS,
    "ReleaseReservation": BOOKERS,
    "WatchReservations": EVERYBODY,
    "RegisterResource": OPERATORS,
    "RegisterCompany": OPERATORS,
    "GrantQuota": OPERATORS,
}


class SchedulerApi:
    """Answers every method of `aidc.scheduler.v1.Scheduler`."""

    def __init__(self, writer: Writer, watches: Watches, telemetry: Telemetry) -> None:
        self._writer = writer
        self._centre = writer.centre
        self._watches = watches
        self._telemetry = telemetry

    def handlers(self) -> Mapping[str, Any]:
        """Every method by its name in the proto."""
        return {
            "ListResources": self.list_resources,
            "GetResource": self.get_resource,
            "GetCalendar": self.get_calendar,
            "SearchOffers": self.search_offers,
            "CreateReservation": self.create_reservation,
            "BatchCreateReservations": self.batch_create_reservations,
            "GetReservation": self.get_reservation,
            "ListReservations": self.list_reservations,
            "CancelReservation": self.change_reservation,
            "ReleaseReservation": self.change_reservation,
            "WatchReservations": self.watch_reservations,
            "RegisterResource": self.register_resource,
            "RegisterCompany": self.register_company,
            "GrantQuota": self.grant_quota,
        }

    async def create_reservation(self, call: Call, request: api.CreateReservationRequest) -> api.Reservation:
        """Book every line of a demand, together or not at all."""
        began = time.perf_counter()
        company = _company(call, request.parent)
        command = requests.create_reservation(request, company, requests.new_id())
        try:
            reservation = await self._answer(call, request, command)
        except Rejected as refusal:
            self._telemetry.answered(company, "refused")
            self._telemetry.refused(refusal, frozenset(self._centre.pools))
            raise self._explained(command, refusal) from None
        except Problem:
            self._telemetry.answered(company, "unknown")
            raise
        if reservation is None:
            return self._draft(command)
        assert isinstance(reservation, Reservation)
        self._telemetry.answered(company, "granted" if reservation.id == command.reservation_id else "replay")
        self._telemetry.decided(command.lines[0].resource, time.perf_counter() - began)
        return replies.reservation_reply(self._centre, reservation)

    async def batch_create_reservations(
        self, call: Call, request: api.BatchCreateReservationsRequest
    ) -> api.BatchCreateReservationsResponse:
        """Book many demands, each for itself or all together."""
        company = _company(call, request.parent)
        asks = batch.asks_of(request, company, actor_of(call))
        call.spend(len(asks) - 1)  # The door has taken one already.
        try:
            answers = await batch.book(self._writer, self._telemetry, company, asks, request.atomic)
        except LogBehind as error:
            raise _log_unavailable(error) from None
        return api.BatchCreateReservationsResponse(
            results=[batch.result_of(self._centre, answer) for answer in answers],
            position=self._writer.pages.head.position,
        )

    async def change_reservation(
        self, call: Call, request: api.CancelReservationRequest | api.ReleaseReservationRequest
    ) -> api.Reservation:
        """Cancel a reservation before it starts, or release it while it is active."""
        company, reservation_id = requests.reservation_name(request.name)
        command = requests.change(request, company, reservation_id)
        self._own(call, company, request.name)
        try:
            reservation = await self._answer(call, request, command)
        except Rejected as refusal:
            raise problem_of(refusal) from None
        shown = reservation or self._centre.reservations[reservation_id]
        assert isinstance(shown, Reservation)
        return replies.reservation_reply(self._centre, shown)

    async def register_resource(self, call: Call, request: api.RegisterResourceRequest) -> api.Resource:
        """Make a resource bookable."""
        command = catalogue.register_resource(request)
        made = await self._administer(call, request, command)
        assert made is None or isinstance(made, Resource)
        return catalogue.resource_reply(made or command.resource, nodes=True)

    async def register_company(self, call: Call, request: api.RegisterCompanyRequest) -> api.Company:
        """Let a company book."""
        command = requests.register_company(request)
        made = await self._administer(call, request, command)
        assert made is None or isinstance(made, Company)
        return replies.company_reply(made or command.company)

    async def grant_quota(self, call: Call, request: api.GrantQuotaRequest) -> api.Quota:
        """Give a company unit-seconds for a period."""
        command = requests.grant_quota(request)
        made = await self._administer(call, request, command)
        assert made is None or isinstance(made, Quota)
        return replies.quota_reply(made or command.quota)

    async def list_resources(self, call: Call, request: api.ListResourcesRequest) -> api.ListResourcesResponse:
        """What can be booked, by name."""
        page = reads.Page.of(request.page_size, request.page_token, f"resources {request.kind}", default=100, most=500)
        position = self._reached(0)
        found, token = reads.list_resources(self._centre, catalogue.KINDS.get(request.kind), page)
        await self._durable(position)
        return api.ListResourcesResponse(
            resources=[catalogue.resource_reply(resource, nodes=False) for resource in found],
            next_page_token=token,
            position=position,
        )

    async def get_resource(self, call: Call, request: api.GetResourceRequest) -> api.Resource:
        """One resource and its rules."""
        position = self._reached(0)
        resource = self._pool(request.name).resource
        await self._durable(position)
        return catalogue.resource_reply(resource, nodes=True)

    async def get_calendar(self, call: Call, request: api.GetCalendarRequest) -> api.Calendar:
        """How many units are free, and when."""
        pool = self._pool(request.name)
        fields = requests.Fields()
        start = fields.time("start_time", request, "start_time")
        end = fields.time("end_time", request, "end_time")
        fields.demand_valid()
        position = self._reached(request.min_position)
        intervals = reads.calendar_reply(pool, start, end, self._seconds())
        await self._durable(position)
        return api.Calendar(
            resource=request.name,
            intervals=intervals,
            capacity_units=pool.resource.capacity,
            position=position,
        )

    async def search_offers(self, call: Call, request: api.SearchOffersRequest) -> api.SearchOffersResponse:
        """The earliest intervals in which a demand would be granted."""
        company = _company(call, request.parent)
        wish = self._search(company, request)
        position = self._reached(0)
        try:
            found = offers.search(self._centre, wish, self._seconds())
        except Rejected as refusal:
            raise problem_of(refusal) from None
        await self._durable(position)
        return api.SearchOffersResponse(
            offers=replies.offer_replies(wish.lines, found.intervals),
            violations=[violation_of(violation) for violation in found.violations],
            position=position,
        )

    async def get_reservation(self, call: Call, request: api.GetReservationRequest) -> api.Reservation:
        """One reservation."""
        company, reservation_id = requests.reservation_name(request.name)
        self._own(call, company, request.name)
        position = self._reached(request.min_position)
        reservation = self._centre.reservations.get(reservation_id)
        if reservation is None or reservation.company != company:
            raise problem_of(_no_reservation(request.name))
        await self._durable(position)
        return replies.reservation_reply(self._centre, reservation)

    async def list_reservations(self, call: Call, request: api.ListReservationsRequest) -> api.ListReservationsResponse:
        """A company's reservations, or everybody's, by start."""
        company = _company(call, request.parent, all_allowed=True)
        fields = requests.Fields()
        wanted = reads.Wanted(
            company,
            tuple(replies.STATES[state] for state in sorted(set(request.states)) if state),
            fields.name("resource", request.resource, "resources")[0] if request.resource else "",
            fields.seconds("start_time", request.start_time),
            fields.seconds("end_time", request.end_time),
        )
        fields.demand_valid()
        page = reads.Page.of(request.page_size, request.page_token, repr(wanted), default=50, most=1000)
        position = self._reached(request.min_position)
        found, token = reads.list_reservations(self._centre, wanted, page)
        await self._durable(position)
        return api.ListReservationsResponse(
            reservations=[replies.reservation_reply(self._centre, each) for each in found],
            next_page_token=token,
            position=position,
        )

    async def watch_reservations(
        self, call: Call, request: api.WatchReservationsRequest
    ) -> AsyncGenerator[api.WatchReservationsResponse, None]:
        """Changes in log order, without gaps."""
        company = _company(call, request.parent, all_allowed=True)
        if request.after_position < 0:
            fields = requests.Fields()
            fields.fault("after_position", "must not be negative")
            fields.demand_valid()
        async for position, reservation in self._watches.follow(company, request.after_position):
            yield api.WatchReservationsResponse(
                reservation=replies.reservation_reply(self._centre, reservation) if reservation else None,
                position=position,
            )

    async def _answer(self, call: Call, request: Any, command: Command) -> Subject | None:
        """What a command made, durably; None if it was only to be checked. Raises `Rejected` or `Problem`."""
        try:
            if request.validate_only:
                request.validate_only = False
                self._writer.check(_ask(call, request, command))
                return None
            return (await self._writer.submit(_ask(call, request, command)))[0]
        except LogBehind as error:
            raise _log_unavailable(error) from None

    async def _administer(self, call: Call, request: Any, command: Command) -> Subject | None:
        try:
            return await self._answer(call, request, command)
        except Rejected as refusal:
            raise problem_of(refusal) from None

    def _explained(self, command: commands.CreateReservation, refusal: Rejected) -> Problem:
        """The refusal with what would be granted instead."""
        found = offers.alternatives(self._centre, command, refusal, self._seconds())
        return problem_of(refusal, replies.offer_replies(command.lines, found))

    def _draft(self, command: commands.CreateReservation) -> api.Reservation:
        """What a demand that was only checked would look like."""
        reply = api.Reservation(lines=replies.line_replies(command.lines), note=command.note)
        reply.start_time.seconds = command.start
        reply.end_time.seconds = command.end
        return reply

    def _search(self, company: str, request: api.SearchOffersRequest) -> offers.Search:
        fields = requests.Fields()
        if not 0 <= request.page_size <= OFFERS_MAX:
            fields.fault("page_size", f"must be between 0 and {OFFERS_MAX}")
        duration = fields.seconds("duration", request.duration)
        if duration == 0:
            fields.fault("duration", "is required")
        earliest = fields.seconds("earliest_start_time", request.earliest_start_time)
        latest = fields.seconds("latest_end_time", request.latest_end_time) or requests.SECONDS_MAX
        lines = requests.lines_of(fields, "lines", request.lines)
        fields.demand_valid()
        return offers.Search(
            company=company,
            lines=lines,
            duration=duration,
            earliest=max(earliest, self._seconds()),
            latest=latest,
            count=request.page_size or OFFERS_DEFAULT,
        )

    def _pool(self, name: str) -> Pool:
        fields = requests.Fields()
        (resource,) = fields.name("name", name, "resources")
        fields.demand_valid()
        pool = self._centre.pools.get(resource)
        if pool is None:
            raise problem_of(refuse(Reason.RESOURCE_NOT_FOUND, f"There is no resource {resource!r}.", resource))
        return pool

    def _own(self, call: Call, company: str, name: str) -> None:
        """Another company's reservation answers exactly like a missing one."""
        if call.identity.role is Role.COMPANY and call.identity.company != company:
            raise problem_of(_no_reservation(name))

    def _reached(self, min_position: int) -> int:
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

    async def _durable(self, position: int) -> None:
        """Wait until what was read from the state at a position may be told. Raises `Problem` if the log is away.

        First read, then wait: while one waits, the state goes on to what is not durable yet.
        """
        try:
            await self._writer.pages.durable(position)
        except LogBehind as error:
            raise _log_unavailable(error) from None

    def _seconds(self) -> int:
        return self._writer.now() // MICROSECONDS


def _log_unavailable(error: LogBehind) -> Problem:
    return Problem(grpc.StatusCode.UNAVAILABLE, "LOG_UNAVAILABLE", f"{error}.", retry_after_seconds=RETRY_SECONDS)


def _ask(call: Call, request: Any, command: Command) -> Ask:
    request.request_id = request.request_id.lower()
    return Ask(
        command=command,
        actor=actor_of(call),
        request_id=request.request_id,
        digest=requests.digest_of(request),
    )


def actor_of(call: Call) -> str:
    """Who acts, as the log records it."""
    identity = call.identity
    return f"companies/{identity.company}" if identity.role is Role.COMPANY else f"{identity.role}s/{identity.subject}"


def _company(call: Call, parent: str, *, all_allowed: bool = False) -> str:
    """The company that a call is about; empty for all of them. A company may act for itself alone."""
    role = call.identity.role
    if all_allowed and parent == f"companies/{ALL}" and role is not Role.COMPANY:
        return ""
    fields = requests.Fields()
    (company,) = fields.name("parent", parent, "companies")
    fields.demand_valid()
    if role is Role.COMPANY and company != call.identity.company:
        raise Problem(grpc.StatusCode.PERMISSION_DENIED, "NOT_YOUR_COMPANY", "A company may act for itself alone.")
    return company


def _no_reservation(name: str) -> Rejected:
    return refuse(Reason.RESERVATION_NOT_FOUND, f"There is no reservation {name}.", name)
