"""The events that bring resources, companies and quotas into a centre, read from the messages that register them."""

from collections.abc import Iterable

from loadtests import workload
from loadtests.workload import new_request_id
from services.allocation.events import CompanyRegistered, Event, QuotaGranted, ResourceRegistered
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.scheduler.wire import catalogue
from services.scheduler.wire.companies import grant_quota, register_company


def founding(now: int) -> tuple[Event, ...]:
    """The workload's pool, companies and quotas."""
    return registered([workload.pool()], workload.companies(now), workload.quotas(now))


def registered(
    resources: Iterable[api.Resource], companies: Iterable[api.Company], quotas: Iterable[api.Quota]
) -> tuple[Event, ...]:
    """Everything as the scheduler's own doors read it."""
    asked = new_request_id()
    offered = [api.RegisterResourceRequest(resource=resource, request_id=asked) for resource in resources]
    admitted = [api.RegisterCompanyRequest(company=company, request_id=asked) for company in companies]
    granted = [api.GrantQuotaRequest(quota=quota, request_id=asked) for quota in quotas]
    return (
        *(ResourceRegistered(resource=catalogue.register_resource(request).resource) for request in offered),
        *(CompanyRegistered(company=register_company(request).company) for request in admitted),
        *(QuotaGranted(quota=grant_quota(request).quota) for request in granted),
    )
