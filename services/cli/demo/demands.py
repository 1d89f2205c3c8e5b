"""From a job of a trace to a demand of a company: always the same one for the same job."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.cli.catalogue import Catalogue
from services.cli.catalogue.compute import MILLI
from services.cli.demo.trace import Job
from services.cli.tables import plain_id
from services.cli.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

SLOT = timedelta(hours=1)
NODE_GPUS = 8
TRAINING_POOL = "h100-train"
CORES_POOL = "cpu-batch"
AGREEMENT_LEFT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What one job asks for, on behalf of whom, and how long before its start."""

    company: str
    line: api.Line
    duration: timedelta
    notice: timedelta


class Tenants:
    """Which companies stand for the tenants of a trace: those whose quota can take the job, picked by its name."""

    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        companies = [company for company in catalogue.companies if covers(company, now)]
        self._all = companies
        self._training = [company for company in companies if pool_of(company) == TRAINING_POOL]
        self._sharing = [company for company in companies if pool_of(company) != TRAINING_POOL]

    def demand(self, job: Job) -> Demand:
        """The demand of a job, rounded up to whole slots."""
        company = self._company(job)
        return Demand(
            company=plain_id(company.name),
            line=line(job, pool_of(company)),
            duration=-(-timedelta(seconds=job.duration_seconds) // SLOT) * SLOT,
            notice=company.notice.ToTimedelta(),
        )

    def _company(self, job: Job) -> api.Company:
        if not job.gpus:
            return pick(self._all, job)
        candidates = self._training if job.gpus >= NODE_GPUS else self._sharing
        able = [company for company in candidates if limit_of(company) >= job.gpus]
        # A job that is too large for every quota is asked for by the one that has most, and refused.
        return pick(able, job) if able else max(candidates, key=limit_of)


def covers(company: api.Company, now: datetime) -> bool:
    """Whether the agreement runs now and goes on for a while."""
    start, end = from_timestamp(company.agreement_start_time), from_timestamp(company.agreement_end_time)
    return start <= now and now + AGREEMENT_LEFT <= end


def pool_of(company: api.Company) -> str:
    """The pool that it has quota for."""
    return company.attributes["gpu_pool"]


def limit_of(company: api.Company) -> int:
    """GPUs that it may hold at once."""
    return int(company.attributes["max_concurrent_gpus"])


def pick(companies: Sequence[api.Company], job: Job) -> api.Company:
    """One of them, by the hash of the job's tenant and name."""
    digest = hashlib.sha256(f"{job.tenant}/{job.id}".encode()).digest()
    return companies[int.from_bytes(digest[:8], "big") % len(companies)]


def line(job: Job, pool: str) -> api.Line:
    """The job's units on a pool: whole servers near one another, GPUs of one server, or cores."""
    if not job.gpus:
        return api.Line(resource=f"resources/{CORES_POOL}", units=job.cores)
    if pool != TRAINING_POOL:
        shape = api.Shape(colocation=api.COLOCATION_NODE)
        return api.Line(resource=f"resources/{pool}", units=job.gpus * MILLI, shape=shape)
    units = -(-job.gpus // NODE_GPUS) * NODE_GPUS
    shape = api.Shape(units_per_node=NODE_GPUS, colocation=api.COLOCATION_FABRIC_GROUP)
    return api.Line(resource=f"resources/{pool}", units=units, shape=shape if units > NODE_GPUS else None)
