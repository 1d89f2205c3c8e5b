"""What the ledger is asked about a whole year: the centre's report, and the log of the use of equipment."""

import base64
import binascii
from datetime import UTC

import asyncpg

from services.generated.aidc.ledger.v1 import ledger_pb2 as wire
from services.ledger.answering import (
    WHOLE_CENTRE,
    company_in,
    demand_own,
    demand_whole_centre,
    failures,
    timestamp,
    wait_for,
)
from services.ledger.progress import Progress
from services.ledger.reporting import report, years
from services.ledger.reporting.report import HOUR_SECONDS
from services.ledger.reporting.views import View
from services.runtime.doors import Call
from services.runtime.problems import invalid

YEAR_MIN, YEAR_MAX = 1970, 2099


class YearApi:
    """Answers what `aidc.ledger.v1.Ledger` is asked about a year."""

    def __init__(self, readers: asyncpg.Pool, progress: Progress) -> None:
        self._readers = readers
        self._progress = progress

    async def get_year_report(self, call: Call, request: wire.GetYearReportRequest) -> wire.YearReport:
        """What became of a year, by sector, programme and region."""
        if company_in(request.name) != WHOLE_CENTRE:
            raise invalid({"name": "must be companies/-: the report is the centre's"})
        demand_whole_centre(call.identity)
        year = _year(request.year)
        as_of = request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None
        await wait_for(self._progress, call, request.known_at, "known_at")
        await wait_for(self._progress, call, request.min_position)
        with failures(request.name):
            view = View(as_of=as_of, known_at=request.known_at or None)
            checkpoint, found = await years.year_report(self._readers, year, view)
        return wire.YearReport(
            year=year,
            total=wire.ReportFigures(**report.plain(found.total)),
            groups=[
                wire.ReportGroup(dimension=dimension, value=value, figures=wire.ReportFigures(**report.plain(figures)))
                for (dimension, value), figures in sorted(found.groups.items())
            ],
            position=checkpoint.position,
        )

    async def list_equipment_use(
        self, call: Call, request: wire.ListEquipmentUseRequest
    ) -> wire.ListEquipmentUseResponse:
        """The use of equipment in a year, by the page."""
        company, year = company_in(request.name), _year(request.year)
        if request.page_size < 0:
            raise invalid({"page_size": "is negative"})
        size = min(request.page_size or years.USE_LOG_PAGE_DEFAULT, years.USE_LOG_PAGE_MAX)
        place = _place(request.page_token)
        if company == WHOLE_CENTRE:
            demand_whole_centre(call.identity)
        else:
            demand_own(call.identity, company, request.name)
        await wait_for(self._progress, call, request.known_at, "known_at")
        await wait_for(self._progress, call, request.min_position)
        whose, view = "" if company == WHOLE_CENTRE else company, View(known_at=request.known_at or None)
        with failures(request.name):
            # One more than asked for tells whether it goes on.
            checkpoint, uses = await years.equipment_use(self._readers, whose, year, view, place, size + 1)
        token = _token(uses[size - 1].number, uses[size - 1].resource) if len(uses) > size else ""
        return wire.ListEquipmentUseResponse(
            uses=map(_use, uses[:size]), next_page_token=token, position=checkpoint.position
        )


def _year(year: int) -> int:
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise invalid({"year": f"must lie between {YEAR_MIN} and {YEAR_MAX}"})
    return year


def _use(use: years.Use) -> wire.EquipmentUse:
    return wire.EquipmentUse(
        resource=use.resource,
        resource_name=use.resource_name,
        start_time=timestamp(use.starts_at),
        end_time=timestamp(use.ends_at),
        hours=use.unit_seconds / HOUR_SECONDS,
        organisation=use.organisation,
        organisation_type=use.organisation_type,
        user=use.user,
        staff_hours=use.staff_seconds / HOUR_SECONDS,
        fee_krw=use.krw,
        people=use.people,
        reservation=f"companies/{use.company}/reservations/{use.reservation}",
    )


def _token(number: int, resource: str) -> str:
    return base64.urlsafe_b64encode(f"{number}.{resource}".encode()).decode()


def _place(token: str) -> tuple[int, str]:
    """After which use a page begins."""
    if not token:
        return 0, ""
    try:
        number, _, resource = base64.urlsafe_b64decode(token.encode()).decode().partition(".")
        place = int(number), resource
    except (ValueError, binascii.Error):
        raise invalid({"page_token": "is not one that this service gave out"}) from None
    if _token(*place) != token or not 0 <= place[0] < 2**63 or "\0" in resource:
        raise invalid({"page_token": "is not one that this service gave out"})
    return place
