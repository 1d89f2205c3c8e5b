"""Registering a catalogue through the API. Doing it again changes nothing."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from services.cli.async_client import AsyncClient
from services.cli.catalogue import Catalogue, needs
from services.cli.outcome import Refused
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

NAMESPACE = uuid.UUID("8d5f1a52-7a3b-5a0e-9c46-1f0f3c1f7a11")
"""Request ids of registrations follow from their content, so that a repeated one is recognised."""
EXISTS = "ALREADY_EXISTS"


@dataclass
class Seeded:
    """How many were registered, and how many had been before."""

    new: int = 0
    known: int = 0


async def seed(client: AsyncClient, catalogue: Catalogue, advance: Callable[[], object]) -> Seeded:
    """Register everything; `advance` is called after each. Raises what a registration ended in."""
    seeded = Seeded()
    for wave in waves(client, catalogue):
        async for new in register(client, wave):
            seeded.new += new
            seeded.known += not new
            advance()
    return seeded


def size(catalogue: Catalogue) -> int:
    """How many registrations a catalogue takes."""
    return len(catalogue.resources) + len(catalogue.companies) + len(catalogue.quotas)


def waves(client: AsyncClient, catalogue: Catalogue) -> Iterator[Sequence[tuple[Any, Message]]]:
    """Requests with their methods; those of one wave do not depend on one another."""
    scheduler = client.scheduler
    for resources in independent(catalogue.resources):
        yield [(scheduler.RegisterResource, api.RegisterResourceRequest(resource=item)) for item in resources]
    yield [(scheduler.RegisterCompany, api.RegisterCompanyRequest(company=item)) for item in catalogue.companies]
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


async def register(client: AsyncClient, wave: Sequence[tuple[Any, Any]]) -> AsyncIterator[bool]:
    """Send every request of a wave; for each, in the order of the answers, whether it was new."""
    tasks = [asyncio.create_task(register_one(client, method, request)) for method, request in wave]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()


async def register_one(client: AsyncClient, method: Any, request: Any) -> bool:
    """Send one registration; whether it was new."""
    request.request_id = request_id(request)
    try:
        await client.call(method, request)
    except Refused as refused:
        if all(violation.reason == EXISTS for violation in refused.violations):
            return False
        raise
    return True


def request_id(request: Message) -> str:
    """The same for the same content, always."""
    kind = request.DESCRIPTOR.full_name.encode()
    return str(uuid.uuid5(NAMESPACE, (kind + request.SerializeToString(deterministic=True)).hex()))
