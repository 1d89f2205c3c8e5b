"""The methods by which operators make things known: resources, companies, quotas, rate cards, closed months."""

from services.allocation.companies import Company, Quota
from services.allocation.resources import Resource
from services.allocation.values.correction import Correction
from services.allocation.values.months import ClosedMonth
from services.allocation.values.tariff import Tariff
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api
from services.runtime.doors import Call
from services.scheduler.answering import administer
from services.scheduler.wire import catalogue, companies, corrections, tariffs
from services.scheduler.writer import Writer


class Registering:
    """Registers, grants and publishes, through the one writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def register_resource(self, call: Call, request: api.RegisterResourceRequest) -> api.Resource:
        """Make a resource bookable."""
        command = catalogue.register_resource(request)
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Resource)
        return catalogue.resource_reply(made or command.resource, nodes=True)

    async def register_company(self, call: Call, request: api.RegisterCompanyRequest) -> api.Company:
        """Let a company book."""
        command = companies.register_company(request)
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Company)
        return companies.company_reply(made or command.company)

    async def grant_quota(self, call: Call, request: api.GrantQuotaRequest) -> api.Quota:
        """Give a company unit-seconds for a period."""
        command = companies.grant_quota(request)
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Quota)
        return companies.quota_reply(made or command.quota)

    async def publish_tariff(self, call: Call, request: api.PublishTariffRequest) -> api.Tariff:
        """Let a rate card apply from now on, or from later."""
        command = tariffs.publish_tariff(request)
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Tariff)
        return tariffs.tariff_reply(made or command.tariff)

    async def post_correction(self, call: Call, request: api.PostCorrectionRequest) -> api.Correction:
        """Credit a company, or debit it."""
        command = corrections.post_correction(request)
        made = await administer(self._writer, call, request, command)
        assert made is None or isinstance(made, Correction)
        position = self._writer.pages.head.position if made else 0
        return corrections.correction_reply(made or command.correction, position)

    async def close_period(self, call: Call, request: api.ClosePeriodRequest) -> api.ClosedPeriod:
        """Freeze the books up to the end of a month."""
        made = await administer(self._writer, call, request, tariffs.close_period(request))
        assert made is None or isinstance(made, ClosedMonth)
        return tariffs.period_reply(made) if made else api.ClosedPeriod(month=request.month)
