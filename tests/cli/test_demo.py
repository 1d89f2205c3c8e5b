"""The demonstration's parts: the jobs, their demands, and the check that every view agrees."""

import gzip
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.cli.catalogue import CENTRE_FOLDER, read_catalogue
from services.cli.demo.agreement import Views, add
from services.cli.demo.clock import Reckoning, Simulation
from services.cli.demo.demands import Tenants, limit_of
from services.cli.demo.exposition import samples
from services.cli.demo.trace import JOBS, Job, compress, read_jobs, synthetic_jobs
from services.cli.outcome import Failed
from services.cli.times import to_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HEADER = "job_id,tenant,queue,submit_s,start_s,duration_s,gpus,cpus,nodes,mem_mib,req_walltime_s,state\n"
ROWS = "1,b,,30,,59.6,1,,,,,\n0,a,,0,,3600,8,,,,,\n2,c,q,40,41,,0,64,,,7200,COMPLETED\n3,d,,50,,0,1,,,,,\n"
START = datetime.fromisoformat("2026-03-03T09:00:00+09:00")
DAY = timedelta(days=1)


def job(gpus: int = 0, cores: int = 0, name: str = "1", seconds: int = 100) -> Job:
    """A job of some tenant."""
    return Job(id=name, tenant="t", submit_seconds=0, duration_seconds=seconds, gpus=gpus, cores=cores)


@pytest.mark.parametrize("packed", [False, True])
def test_a_trace_is_read_packed_or_plain(tmp_path: Path, packed: bool) -> None:
    """In order of submission; jobs that ask for nothing or last no time are left out; no GPUs means cores."""
    path = tmp_path / ("jobs.csv.gz" if packed else "jobs.csv")
    path.write_bytes(gzip.compress((HEADER + ROWS).encode()) if packed else (HEADER + ROWS).encode())
    jobs = read_jobs(path).entries
    assert [(item.id, item.gpus, item.cores, item.duration_seconds) for item in jobs] == [
        ("0", 8, 0, 3600),
        ("1", 1, 0, 60),
        ("2", 0, 64, 7200),
    ]


def test_the_parts_of_a_trace_are_the_whole_of_it(tmp_path: Path) -> None:
    """Nothing is replayed twice or left out, and one part too many is refused in a line."""
    path = tmp_path / "jobs.csv"
    path.write_text(HEADER + ROWS)
    parts = [read_jobs(path, number, count=2) for number in (1, 2)]
    assert sorted(item.id for part in parts for item in part.entries) == ["0", "1", "2"]
    assert {(part.parts, part.total) for part in parts} == {(2, 3)}
    with pytest.raises(Failed, match="has 2 parts"):
        read_jobs(path, 3, count=2)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", HEADER, HEADER + "1,b,,soon,,60,1,,,,,\n"])
def test_what_is_no_trace_is_refused(tmp_path: Path, content: str) -> None:
    """With the file's name, in one line."""
    path = tmp_path / "jobs.csv"
    path.write_text(content)
    with pytest.raises(Failed, match=r"jobs\.csv"):
        read_jobs(path)


def test_a_file_that_is_not_packed_although_it_says_so_is_refused(tmp_path: Path) -> None:
    """A wrong suffix is a mistake of the caller, not a crash of ours."""
    path = tmp_path / "jobs.csv.gz"
    path.write_text(HEADER + ROWS)
    with pytest.raises(Failed, match="cannot read the trace"):
        read_jobs(path)


def test_the_synthetic_workload_has_the_shape_of_the_real_one() -> None:
    """About 93 % of single GPUs, most jobs shorter than a slot, a few of weeks; and always the same."""
    jobs = synthetic_jobs()
    assert jobs == synthetic_jobs()
    assert len(jobs) == JOBS
    single = sum(item.gpus == 1 for item in jobs) / len(jobs)
    assert 0.9 < single < 0.96
    durations = sorted(item.duration_seconds for item in jobs)
    assert durations[len(durations) // 2] < 600
    assert durations[-1] > 86_400


def test_idle_gaps_are_cut_and_the_rest_keeps_its_shape() -> None:
    """Everything is submitted within the time that there is."""
    jobs = [
        Job(id=str(at), tenant="t", submit_seconds=at, duration_seconds=1, gpus=1, cores=0)
        for at in (0, 10, 20, 1_000_000, 1_000_010)
    ]
    assert compress(jobs, seconds=13, gap_seconds_max=100) == pytest.approx([0, 1, 2, 12, 13])
    assert compress(jobs[:1], seconds=13, gap_seconds_max=100) == [0.0]


def test_a_job_is_always_the_same_demand_of_a_company_that_can_hold_it() -> None:
    """Whole servers near one another for large jobs, GPUs of one server for small ones, cores for those without."""
    catalogue = read_catalogue(CENTRE_FOLDER)
    tenants = Tenants(catalogue, START)
    companies = {company.name.rpartition("/")[2]: company for company in catalogue.companies}
    for gpus in (1, 2, 4, 8, 16, 64):
        demand = tenants.demand(job(gpus))
        assert demand == tenants.demand(job(gpus))
        assert limit_of(companies[demand.company]) >= gpus
        assert demand.duration == timedelta(hours=1)
    assert tenants.demand(job(16)).line == api.Line(
        resource="resources/h100-train",
        units=16,
        shape=api.Shape(units_per_node=8, colocation=api.COLOCATION_FABRIC_GROUP),
    )
    assert tenants.demand(job(2)).line.units == 2000
    assert tenants.demand(job(cores=64)).line == api.Line(resource="resources/cpu-batch", units=64)
    assert tenants.demand(job(1, seconds=3601)).duration == timedelta(hours=2)
    assert len({tenants.demand(job(1, name=str(number))).company for number in range(100)}) > 20


def test_a_job_beyond_every_quota_is_still_asked_for() -> None:
    """It is the scheduler's to refuse."""
    demand = Tenants(read_catalogue(CENTRE_FOLDER), START).demand(job(1000))
    assert demand.line.units == 1000


def test_the_reckoning_follows_what_the_scheduler_tells() -> None:
    """It never runs back, and never past the end."""
    simulation = Simulation(start=START, end=START + DAY, speed=60)
    reckoning = Reckoning(simulation, START)
    assert timedelta() <= reckoning.now() - START < timedelta(hours=1)
    reckoning.told(START + timedelta(hours=12))
    assert reckoning.now() >= START + timedelta(hours=12)
    reckoning.told(START)
    assert reckoning.now() >= START + timedelta(hours=12)
    reckoning.told(START + 2 * DAY)
    assert reckoning.now() == START + DAY
    assert simulation.setting == "2026-03-03T09:00:00+09:00@60/2026-03-04T09:00:00+09:00"


def reservation(state: "api.Reservation.State.ValueType", hours_from_start: int) -> api.Reservation:
    """Two units for two hours."""
    begin = START + timedelta(hours=hours_from_start)
    span = api.Span(start_time=to_timestamp(begin), end_time=to_timestamp(begin + timedelta(hours=2)))
    return api.Reservation(state=state, allocations=[api.Allocation(resource="resources/M01", units=2, spans=[span])])


def test_reservations_are_added_up_by_account() -> None:
    """Live ones are held, the part that lies ahead counts in the calendar; others are used or released."""
    views = Views(position=1, scheduler=Counter())
    add(views, reservation(api.Reservation.STATE_ACTIVE, -1), START)
    add(views, reservation(api.Reservation.STATE_CONFIRMED, 5), START)
    add(views, reservation(api.Reservation.STATE_COMPLETED, -5), START)
    add(views, reservation(api.Reservation.STATE_CANCELLED, 5), START)
    four_hours = 2 * 2 * 3600
    assert views.scheduler == {
        ("M01", "held"): 2 * four_hours,
        ("M01", "used"): four_hours,
        ("M01", "released"): four_hours,
    }
    assert views.remaining == {"M01": four_hours + four_hours // 2}


def test_one_unit_second_of_difference_is_found() -> None:
    """Wherever it is."""
    figures = {("M01", "held"): 7200}
    views = Views(position=1, scheduler=Counter(figures), ledger=Counter(figures), metrics=Counter(figures))
    views.remaining["M01"] = views.calendar["M01"] = 7200
    assert not list(views.differences())
    views.metrics["M01", "held"] += 1
    views.calendar["M01"] -= 1
    assert list(views.differences()) == [
        "M01 held: scheduler 7200, ledger 7200, metrics 7201",
        "M01 ahead: reservations 7200, calendar 7199",
    ]
    views.ledger["M99", "used"] += 1
    assert any("M99 used" in difference for difference in views.differences())


def test_samples_of_one_metric_are_read() -> None:
    """Others that begin alike, and comments, are not."""
    page = (
        "# HELP held Units.\n# TYPE held gauge\n"
        'held{company="a\\"b",pool="M01"} 1.5e+03\nheld 2\nheld_total{pool="M02"} 9\n'
    )
    assert list(samples(page, "held")) == [({"company": 'a\\"b', "pool": "M01"}, 1500.0), ({}, 2.0)]
