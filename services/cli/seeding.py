"""Registering a catalogue through the API. Doing it again changes nothing."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import Message

from services.cli.async_client import AsyncClient
from services.cli.catalogue import Catalogue, needs
from services.cli.outcome import Refused
from services.cli.together import together
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

NAMESPACE = uuid.UUID("8d5f1a52-7a3b-5a0e-9c46-1f0f3c1f7a11")
"""Request ids of registrations follow from their content, so that a repeated one is recognised."""
EXISTS = "ALREADY_EXISTS"


async def seed(client: AsyncClient, catalogue: Catalogue, advance: Callable[[], object]) -> None:
    """Register everything; `advance` is called after each. Raises what a registration ended in."""

    async def register(method: Any, request: Any) -> None:
        await register_one(client, method, request)
        advance()

    for wave in waves(client, catalogue):
        await together(*(register(method, request) for method, request in wave))


def size(catalogue: Catalogue) -> int:
    """How many registrations a catalogue takes."""
    rows = (catalogue.resources, catalogue.companies, catalogue.quotas, catalogue.qualifications)
    return sum(map(len, rows)) + sum(each is not None for each in (catalogue.tariff, catalogue.terms))


def waves(client: AsyncClient, catalogue: Catalogue) -> Iterator[Sequence[tuple[Any, Message]]]:
    """Requests with their methods; those of one wave do not depend on one another."""
    scheduler = client.scheduler
    for resources in independent(catalogue.resources):
        yield [(scheduler.RegisterResource, api.RegisterResourceRequest(resource=item)) for item in resources]
    if catalogue.terms is not None:
        yield [(scheduler.PublishTerms, api.PublishTermsRequest(terms=catalogue.terms))]
    if catalogue.tariff is not None:
        yield [(scheduler.PublishTariff, api.PublishTariffRequest(tariff=catalogue.tariff))]
    yield [(scheduler.RegisterCompany, api.RegisterCompanyRequest(company=item)) for item in catalogue.companies]
    yield [(scheduler.GrantQualification, each) for each in catalogue.qualifications]
    yield [(scheduler.GrantQuota, api.GrantQuotaRequest(quota=item)) for item in catalogue.quotas]


def independent(resources: Sequence[api.Resource]) -> Iterator[list[api.Resource]]:
    """Resources in waves, each after all that it needs."""
    done: set[str] = set()
    left = list(resources)
    while left:
        ready = [resource for resource in left if needs(resource) <= done]
        yield ready
        done.update(resource.name for resource in ready)
        left = [resource for resource in left if resource.name not in done]


async def register_one(client: AsyncClient, method: Any, request: Any) -> None:
    """Send one registration; one that was made before is as good."""
    request.request_id = request_id(request)
    try:
        await client.call(method, request)
    except Refused as refused:
        if any(violation.reason != EXISTS for violation in refused.violations):
            raise


def request_id(request: Message) -> str:
    """The same for the same content, always."""
    kind = request.DESCRIPTOR.full_name.encode()
    return str(uuid.uuid5(NAMESPACE, (kind + request.SerializeToString(deterministic=True)).hex()))
