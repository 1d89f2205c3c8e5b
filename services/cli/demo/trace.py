"""The jobs to replay: a trace file of the documented columns, or a synthetic workload of the same shape.

Columns that are used: job_id, tenant, submit_s, duration_s, gpus, cpus, req_walltime_s. A job without GPUs runs on
cores.
"""

import csv
import gzip
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Generic, TextIO, TypeVar

from services.cli.outcome import Failed, because

JOBS = 2_000
"""In one part of a trace, which is replayed in about a minute."""
SEED = 20_260_303
TENANTS = 40
GPUS, GPU_WEIGHTS = (1, 2, 4, 8, 16), (93.0, 1.5, 1.5, 3.0, 1.0)
SHORT_SECONDS_MEDIAN, SHORT_SPREAD = 220, 0.9
LONG_SHARE, LONG_SECONDS_MIN, LONG_SECONDS_MAX = 0.06, 4_000, 4_000_000
BURST_JOBS_MEAN, BURST_GAP_SECONDS_MEAN, JOB_GAP_SECONDS_MEAN = 40, 4_000.0, 3.0


Entry = TypeVar("Entry")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of a trace. Seconds since the first submission; either GPUs or cores."""

    id: str
    tenant: str
    submit_seconds: float
    duration_seconds: int
    gpus: int
    cores: int


@dataclass(frozen=True, kw_only=True)
class Part(Generic[Entry]):
    """The jobs or bookings of one part of a trace: the first is number 1 of so many, with `total` entries in all."""

    entries: list[Entry]
    number: int = 1
    parts: int = 1
    total: int


def part_of(parts: list[list[Entry]], number: int, path: Path) -> Part[Entry]:
    """One part of a trace that has been cut into parts. Raises `Failed` where there are not so many."""
    if not parts:
        raise Failed(f"{path} has nothing to replay: no entry asks for anything")
    if number > len(parts):
        raise Failed(f"{path} has {len(parts)} parts, and no part {number}: leave --part out for the first one")
    return Part(entries=parts[number - 1], number=number, parts=len(parts), total=sum(map(len, parts)))


def read_jobs(path: Path, number: int = 1, count: int = JOBS) -> Part[Job]:
    """A part, of so many jobs, of a `.csv` or `.csv.gz` file. Raises `Failed`."""
    try:
        with opened(path) as file:
            jobs = list(parse(csv.DictReader(file)))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as problem:
        raise Failed(f"cannot read the trace {path}: {because(problem)}") from problem
    except (KeyError, ValueError) as problem:
        raise Failed(f"{path} is not a job trace: {problem!r}") from problem
    parts = [jobs[first : first + count] for first in range(0, len(jobs), count)]
    part = part_of(parts, number, path)
    return replace(part, entries=sorted(part.entries, key=lambda job: job.submit_seconds))


def opened(path: Path) -> TextIO:
    """The file as text, unpacked if need be."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", newline="", encoding="utf-8")
    return path.open(newline="", encoding="utf-8")


def parse(rows: Iterable[dict[str, str]]) -> Iterator[Job]:
    """Jobs that ask for something and last for some time."""
    for row in rows:
        gpus = int(row["gpus"] or 0)
        cores = 0 if gpus else int(row["cpus"] or 0)
        duration = round(float(row["duration_s"] or row["req_walltime_s"] or 0))
        if (gpus or cores) and duration > 0 and row["submit_s"]:
            yield Job(
                id=row["job_id"],
                tenant=row["tenant"],
                submit_seconds=float(row["submit_s"]),
                duration_seconds=duration,
                gpus=gpus,
                cores=cores,
            )


def synthetic_jobs(count: int = JOBS, seed: int = SEED) -> list[Job]:
    """Mostly single GPUs, many short jobs and a few very long ones, submitted in bursts. The same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a workload, not a secret
    jobs: list[Job] = []
    at = 0.0
    for number in range(count):
        new_burst = chance.random() < 1 / BURST_JOBS_MEAN
        at += chance.expovariate(1 / (BURST_GAP_SECONDS_MEAN if new_burst else JOB_GAP_SECONDS_MEAN))
        jobs.append(
            Job(
                id=str(number),
                tenant=f"tenant-{chance.randrange(TENANTS)}",
                submit_seconds=at,
                duration_seconds=duration(chance),
                gpus=chance.choices(GPUS, GPU_WEIGHTS)[0],
                cores=0,
            )
        )
    return jobs


def duration(chance: random.Random) -> int:
    """Seconds: minutes for nearly all jobs, hours to weeks for the few that hold most of the GPUs."""
    if chance.random() < LONG_SHARE:
        return round(math.exp(chance.uniform(math.log(LONG_SECONDS_MIN), math.log(LONG_SECONDS_MAX))))
    return max(1, round(SHORT_SECONDS_MEDIAN * chance.lognormvariate(0, SHORT_SPREAD)))


def compress(jobs: list[Job], seconds: float, gap_seconds_max: float) -> list[float]:
    """When to submit each job, so that all is done after `seconds`. Idle gaps are cut, the rest keeps its shape."""
    offsets = [0.0]
    for before, job in pairwise(jobs):
        offsets.append(offsets[-1] + min(job.submit_seconds - before.submit_seconds, gap_seconds_max))
    scale = seconds / offsets[-1] if offsets[-1] else 0.0
    return [offset * scale for offset in offsets]
