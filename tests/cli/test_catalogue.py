"""The catalogue: every cell of the files ends in a registration, and nonsense says where it stands."""

import csv
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import services
from services.cli.catalogue import Catalogue, needs, read_catalogue
from services.cli.catalogue.equipment import TYPED_COLUMNS as EQUIPMENT_TYPED
from services.cli.catalogue.tables import CatalogueError, clock_minute, opening_hours, weekdays
from services.cli.seeding import independent, request_id
from services.cli.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

FOLDER = Path(services.__file__).parents[1] / "deploy" / "centre"
SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The centre's own catalogue."""
    return read_catalogue(FOLDER)


def resource(catalogue: Catalogue, name: str) -> api.Resource:
    """One resource by its id."""
    return next(item for item in catalogue.resources if item.name == f"resources/{name}")


def rows(table: str) -> list[dict[str, str]]:
    """The lines of a table, as they stand."""
    with (FOLDER / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_tariff_is_the_catalogues(catalogue: Catalogue) -> None:
    """Every pool and piece of equipment has its price, and the discounts are those that the companies' rows state."""
    assert catalogue.tariff is not None
    prices = {price.resource: (price.krw, price.basis) for price in catalogue.tariff.prices}
    assert prices["resources/h100-train"] == (3000, api.PRICE_BASIS_HOUR)
    assert prices["resources/M01"] == (600_000, api.PRICE_BASIS_SLOT)
    discounts = {(each.attribute, each.value): each.percent for each in catalogue.tariff.discounts}
    (night,) = catalogue.tariff.peaks
    assert (night.percent, night.starts_minute, night.ends_minute) == (80, 22 * 60, 30 * 60)
    assert set(night.resources) <= {name for name, (_, basis) in prices.items() if basis == api.PRICE_BASIS_HOUR}
    for row in rows("companies"):
        fitting = [discounts.get((kind, row[kind]), 0) for kind in ("stage", "region", "youth_founder")]
        assert max(fitting) == int(row["discount_pct"]), row["company_id"]


def test_the_whole_centre_is_read(catalogue: Catalogue) -> None:
    """Five pools, nine operator pools, 77 pieces of equipment and 200 companies."""
    kinds = [item.kind for item in catalogue.resources]
    assert kinds.count(api.RESOURCE_KIND_COMPUTE) == 5
    assert kinds.count(api.RESOURCE_KIND_OPERATORS) == 9
    assert kinds.count(api.RESOURCE_KIND_EQUIPMENT) == 77
    assert len(catalogue.companies) == 200
    assert sum(len(item.nodes) for item in catalogue.resources if item.kind == api.RESOURCE_KIND_COMPUTE) == 188


@pytest.mark.parametrize(
    ("pool", "unit", "bins", "capacity", "least", "step", "quota"),
    [
        ("h100-train", api.RESOURCE_UNIT_GPU, 8, 1, 8, 8, True),
        ("h100-shared", api.RESOURCE_UNIT_MILLI_GPU, 8, 1000, 125, 125, True),
        ("a100-dev", api.RESOURCE_UNIT_MILLI_GPU, 8, 1000, 125, 125, True),
        ("npu-verify", api.RESOURCE_UNIT_GPU, 8, 1, 1, 1, False),
        ("cpu-batch", api.RESOURCE_UNIT_CORE, 1, 128, 1, 1, False),
    ],
)
def test_a_pool_counts_in_its_unit(
    catalogue: Catalogue, pool: str, unit: int, bins: int, capacity: int, least: int, step: int, quota: bool
) -> None:
    """Whole servers, GPUs, thousandths of a GPU, or cores; quota where some companies pay by it."""
    found = resource(catalogue, pool)
    shape = (found.unit, found.bins_per_node, found.bin_capacity, found.units_min, found.units_step)
    assert shape == (unit, bins, capacity, least, step)
    assert found.quota_required is quota
    assert found.slot.ToTimedelta().total_seconds() == 3600
    assert not found.HasField("opening_hours")


def test_maintenance_closes_the_zone_of_the_pools_in_it(catalogue: Catalogue) -> None:
    """Zone Z-A of hall 2 is down on 12 March; a100-dev stands in Z-B alone."""
    closure = next(item for item in resource(catalogue, "h100-train").closures if item.zone == "Z-A")
    assert from_timestamp(closure.start_time).astimezone(SEOUL) == datetime(2026, 1, 8, 9, tzinfo=SEOUL)
    assert {item.zone for item in resource(catalogue, "h100-train").closures} == {"Z-A", "Z-B"}
    assert {item.zone for item in resource(catalogue, "a100-dev").closures} == {"Z-B"}
    assert not resource(catalogue, "cpu-batch").closures


def test_the_driving_simulator_brings_what_it_needs(catalogue: Catalogue) -> None:
    """Its server, eight whole GPUs in thousandths, and two operators."""
    found = resource(catalogue, "M01")
    assert {item.resource: item.units for item in found.companions} == {
        "resources/M03": 1,
        "resources/a100-dev": 8000,
        "resources/OP-DM-mobility": 2,
    }
    assert (found.slots_max, found.notice.seconds, found.horizon.seconds) == (4, 240 * 3600, 90 * 86400)
    assert list(found.opening_hours.weekdays) == [1, 2, 3, 4, 5]
    assert (found.opening_hours.break_starts_minute, found.opening_hours.break_ends_minute) == (780, 840)


def test_a_cabin_is_bound_to_its_simulator_and_its_group(catalogue: Catalogue) -> None:
    """Only with M01, one cabin at a time, two hours to change."""
    found = resource(catalogue, "M05")
    assert (found.only_with, found.exclusive_group, found.changeover.seconds) == ("resources/M01", "DIL-CABIN", 7200)


def test_operators_who_only_start_and_end_a_run_come_for_both_ends(catalogue: Catalogue) -> None:
    """M17 needs somebody in its first slot and in its last; M01 for all of its time."""
    assert [each.edges for each in resource(catalogue, "M17").companions] == [True]
    assert not any(each.edges for each in resource(catalogue, "M01").companions)


def test_operators_who_are_optional_come_for_asking(catalogue: Catalogue) -> None:
    """M04 can have one, M01 always has two, and M03 needs nobody."""
    optional = {
        name: [each.optional for each in resource(catalogue, name).companions] for name in ("M04", "M01", "M03")
    }
    assert optional == {"M04": [True], "M01": [False] * 3, "M03": [False]}


def test_batch_work_has_limits_of_its_own(catalogue: Catalogue) -> None:
    """Five days at most, a hundred reservations of a company, one of more than a day at a time; other pools none."""
    found = resource(catalogue, "cpu-batch")
    limits = (found.slots_max, found.batch.reservations_max, found.batch.long.seconds, found.batch.long_at_once_max)
    assert limits == (120, 100, 86_400, 1)
    assert not resource(catalogue, "h100-train").HasField("batch")


def test_a_booking_has_as_many_gpus_as_its_track(catalogue: Catalogue) -> None:
    """Four alone and eight with approval on track 1, but for the academy's classes; no bounds on track 2."""
    sizes = {
        (each.attributes["gpu_track"], each.programme == "academy"): (each.gpus_unapproved, each.gpus_max)
        for each in catalogue.companies
    }
    assert sizes == {("track-1", False): (4, 8), ("track-1", True): (4, 32), ("track-2", False): (0, 0)}


def test_the_terms_have_what_the_rules_say_of_compute(catalogue: Catalogue) -> None:
    """Overburn by a quarter; and used less than 20 % over five days, compute is given back a day after a warning."""
    assert catalogue.terms is not None
    assert catalogue.terms.overburn_percent == 125
    reclaim = catalogue.terms.reclaim
    assert [(row.at_percent, row.below_percent, row.remove_percent) for row in reclaim.rows][::3] == [
        (40, 10, 25),
        (70, 50, 25),
    ]
    assert (reclaim.grace.seconds, reclaim.notice.seconds) == (60 * 86_400, 14 * 86_400)
    assert reclaim.exemption.seconds == 7 * 86_400
    assert list(reclaim.exempt) == ["academy"]
    assert reclaim.to_reserve
    idle = catalogue.terms.idle
    assert (idle.below_percent, idle.window.seconds, idle.warning.seconds) == (20, 5 * 86_400, 86_400)
    assert catalogue.terms.no_process.grace.seconds == 3_600
    late = [(rule.months, rule.surcharge_percent, rule.suspends) for rule in catalogue.terms.arrears]
    assert catalogue.terms.misuse_revokes
    assert late == [(3, 10, False), (6, 0, True)]


def test_a_night_runs_into_the_next_day(catalogue: Catalogue) -> None:
    """20:00 to 08:00+1 closes at minute 1,920."""
    hours = resource(catalogue, "H01").opening_hours
    assert (hours.opens_minute, hours.closes_minute, list(hours.weekdays)) == (1200, 1920, [1, 2, 3, 4])


def test_equipment_and_its_staff_rest_on_holidays_and_compute_does_not(catalogue: Catalogue) -> None:
    """The calendar says so of all equipment."""
    for item in catalogue.resources:
        assert ("2026-05-05" in item.closed_days) is (item.kind != api.RESOURCE_KIND_COMPUTE)


def test_no_column_is_dropped(catalogue: Catalogue) -> None:
    """Every filled cell without a field of its own is an attribute, unchanged."""
    for row in rows("equipment"):
        found = resource(catalogue, row["equipment_id"])
        for column, text in row.items():
            assert column in EQUIPMENT_TYPED or not text or found.attributes[column] == text
    for row, company in zip(rows("companies"), catalogue.companies, strict=True):
        for column in ("stage", "region", "fair_share_weight", "discount_pct", "storage_tb", "data_zone"):
            assert company.attributes[column] == row[column]
    pool = resource(catalogue, "h100-train").attributes
    assert (pool["gpu_model"], pool["power_kw"], pool["nvlink_domain"]) == ("H100-SXM5-80GB", "10.2", "one per node")


def test_a_company_has_the_terms_of_its_programme_and_track(catalogue: Catalogue) -> None:
    """Track 2 books 72 hours ahead for two weeks at most; the agreement's last day is included."""
    found = next(item for item in catalogue.companies if item.name == "companies/CMP-0004")
    assert (found.notice.seconds, found.horizon.seconds, found.reservation_max.seconds) == (
        72 * 3600,
        60 * 86400,
        14 * 86400,
    )
    assert not found.certified
    assert from_timestamp(found.agreement_end_time) == datetime(2027, 1, 1, tzinfo=SEOUL).astimezone(UTC)


def test_quota_is_granted_month_by_month(catalogue: Catalogue) -> None:
    """GPU-hours become unit-seconds of the pool's unit; months meet without gap or overlap."""
    shared = [item for item in catalogue.quotas if item.company == "companies/CMP-0018"]
    pool = [item for item in shared if item.meter == "resources/h100-shared"]
    assert [item.unit_seconds for item in pool] == [400 * 3600 * 1000] * 4
    assert {item.concurrent_units_max for item in pool} == {1000}
    assert [item.end_time for item in pool[:-1]] == [item.start_time for item in pool[1:]]
    equipment = [item for item in shared if item.meter == "equipment"]
    assert [item.unit_seconds for item in equipment] == [8 * 3600] * 4


def test_resources_come_after_what_they_need(catalogue: Catalogue) -> None:
    """So that each can be registered as it comes, and waves of them at once."""
    seen: set[str] = set()
    for item in catalogue.resources:
        assert needs(item) <= seen
        seen.add(item.name)
    waves = list(independent(catalogue.resources))
    assert sum(map(len, waves)) == len(catalogue.resources)
    assert 1 < len(waves) < 6


def test_a_registration_has_the_same_request_id_for_ever() -> None:
    """So that loading twice registers once; another content is another request."""
    first = api.RegisterCompanyRequest(company=api.Company(name="companies/A", attributes={"b": "2", "a": "1"}))
    again = api.RegisterCompanyRequest(company=api.Company(name="companies/A", attributes={"a": "1", "b": "2"}))
    other = api.RegisterCompanyRequest(company=api.Company(name="companies/B"))
    assert request_id(first) == request_id(again) != request_id(other)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("equipment.csv", "M01,mobility", "M01,mobility,extra", "equipment.csv, line 2: wrong number of cells"),
        ("equipment.csv", ",M03,,8,", ",M99,,8,", "resources/M01 needs resources/M99, which is not listed"),
        ("equipment.csv", ",8,a100-dev,True", ",8,b200,True", "line 2, needs_gpu_pool: cannot make sense of 'b200'"),
        ("companies.csv", "2026-12-31,track-2", "2025-12-31,track-2", "the agreement ends before it starts"),
        ("operators.csv", "mon-fri 09:00-21:00", "whenever", "line 2, shift: cannot make sense of 'whenever'"),
        ("calendar.csv", ",maintenance,", ",party,", "unknown kind 'party'"),
        ("nodes.csv", "h100-train-000,h100-train", "h100-train-000,h200", "pool: cannot make sense of 'h200'"),
        ("centre.yaml", "compute_slots:", "compute:", "compute_slots.slot_minutes is missing"),
        ("centre.yaml", "go_to: programme_reserve", "go_to: whoever", "go_to: cannot make sense of 'whoever'"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, file: str, old: str, new: str, told: str) -> None:
    """Whoever keeps the files learns which file, line and column to look at."""
    folder = tmp_path / "centre"
    shutil.copytree(FOLDER, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=told.replace("(", r"\(")):
        read_catalogue(folder)


def test_a_missing_folder_is_named() -> None:
    """The first thing that goes wrong for a newcomer."""
    with pytest.raises(CatalogueError, match=r"cannot read .*nowhere"):
        read_catalogue(Path("nowhere"))


def test_notations_of_cells() -> None:
    """Days, clocks and weeks, as the tables write them."""
    assert weekdays("mon-thu") == [1, 2, 3, 4]
    assert weekdays("sun") == [7]
    assert clock_minute("08:00+1") == 1920
    assert opening_hours("mon-sun", "00:00", "24:00") is None
    assert opening_hours("mon-sun", "00:00", "24:00", "12:00-13:00") is not None
