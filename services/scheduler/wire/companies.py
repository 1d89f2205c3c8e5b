"""Companies, their quotas and the reserves of their programmes: as an operator sends them, and as clients see them."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.allocation import commands
from services.allocation.companies import EQUIPMENT_METER, Company, Quota
from services.allocation.values.reserve import Reserve
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire.fields import Fields


def register_company(request: api.RegisterCompanyRequest) -> commands.RegisterCompany:
    """A tenant and its terms. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.company
    (company,) = fields.name("company.name", given.name, "companies")
    wish = Company(
        id=company,
        display_name=fields.text("company.display_name", given.display_name, 200),
        local_name=fields.text("company.local_name", given.local_name, 200),
        programme=fields.text("company.programme", given.programme, 64),
        industry=fields.text("company.industry", given.industry, 64),
        agreement_start=fields.time("company.agreement_start_time", given, "agreement_start_time"),
        agreement_end=fields.time("company.agreement_end_time", given, "agreement_end_time"),
        notice_hours=fields.whole("company.notice", given.notice, 3600, "hours"),
        horizon_days=fields.whole("company.horizon", given.horizon, 86_400, "days"),
        reservation_days_max=fields.whole("company.reservation_max", given.reservation_max, 86_400, "days"),
        certified=given.certified,
        gpus_unapproved=given.gpus_unapproved,
        gpus_max=given.gpus_max,
        gpus_approval_hours=fields.whole("company.gpus_approval_time", given.gpus_approval_time, 3600, "hours"),
        attributes=dict(sorted(given.attributes.items())),
    )
    fields.demand_valid()
    return commands.RegisterCompany(company=wish)


def grant_quota(request: api.GrantQuotaRequest) -> commands.GrantQuota:
    """A quota. Raises `Problem` with every invalid field."""
    fields = Fields()
    fields.request_id(request.request_id)
    given = request.quota
    (company,) = fields.name("quota.company", given.company, "companies")
    meter = given.meter
    if meter != EQUIPMENT_METER:
        (meter,) = fields.name("quota.meter", given.meter, "resources")
    if given.unit_seconds < 0 or given.concurrent_units_max < 0:
        fields.fault("quota.unit_seconds", "and concurrent_units_max must not be negative")
    wish = Quota(
        company=company,
        meter=meter,
        start=fields.time("quota.start_time", given, "start_time"),
        end=fields.time("quota.end_time", given, "end_time"),
        unit_seconds=given.unit_seconds,
        concurrent_units_max=given.concurrent_units_max,
    )
    fields.demand_valid()
    return commands.GrantQuota(quota=wish)


def company_reply(company: Company) -> api.Company:
    """A company and its terms."""
    return api.Company(
        name=f"companies/{company.id}",
        display_name=company.display_name,
        local_name=company.local_name,
        programme=company.programme,
        industry=company.industry,
        agreement_start_time=Timestamp(seconds=company.agreement_start),
        agreement_end_time=Timestamp(seconds=company.agreement_end),
        notice=Duration(seconds=company.notice_hours * 3600),
        horizon=Duration(seconds=company.horizon_days * 86_400),
        reservation_max=Duration(seconds=company.reservation_days_max * 86_400),
        certified=company.certified,
        gpus_unapproved=company.gpus_unapproved,
        gpus_max=company.gpus_max,
        gpus_approval_time=Duration(seconds=company.gpus_approval_hours * 3600),
        attributes=company.attributes,
    )


def quota_reply(quota: Quota, booked: int = 0) -> api.Quota:
    """A quota, and the unit-seconds of it that are booked."""
    return api.Quota(
        company=f"companies/{quota.company}",
        meter=meter_name(quota.meter),
        start_time=Timestamp(seconds=quota.start),
        end_time=Timestamp(seconds=quota.end),
        unit_seconds=quota.unit_seconds,
        concurrent_units_max=quota.concurrent_units_max,
        booked_unit_seconds=booked,
        reclaimed_unit_seconds=quota.reclaimed,
    )


def reserve_reply(reserve: Reserve) -> api.Reserve:
    """What a programme's reserve has on a meter."""
    return api.Reserve(
        programme=reserve.programme,
        meter=meter_name(reserve.meter),
        returned_unit_seconds=reserve.returned,
        given_unit_seconds=reserve.given,
        left_unit_seconds=reserve.left,
    )


def meter_name(meter: str) -> str:
    """A meter as clients name it."""
    return meter if meter == EQUIPMENT_METER else f"resources/{meter}"
