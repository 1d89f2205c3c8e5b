"""Companies, the terms of their programme and track, and their quotas month by month."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.cli.catalogue.calendar import moment
from services.cli.catalogue.compute import MILLI, plain
from services.cli.catalogue.tables import CatalogueError, Row, Rules, days, hours, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api

HOUR_SECONDS = 3600
EQUIPMENT_METER = "equipment"
TYPED_COLUMNS = (*("company_id", "name_ko", "name_en", "programme", "industry", "agreement_start", "agreement_end"),)
PROGRAMME_KEYS = ("agreement_months", "renewals_max", "trainees", "hours_total")


def read_companies(
    path: Path, rules: Rules, pools: Mapping[str, api.Resource]
) -> tuple[list[api.Company], list[api.Quota]]:
    """Read `companies.csv`. `pools` are the compute pools by resource name."""
    companies: list[api.Company] = []
    quotas: list[api.Quota] = []
    for row in read_rows(path):
        companies.append(read_company(row, rules))
        quotas.extend(read_quotas(row, rules, pools))
    return companies, quotas


def read_company(row: Row, rules: Rules) -> api.Company:
    """One company under the terms of its programme and track."""
    slots = rules.at("compute_slots")
    programme, track = row.text("programme"), row.text("gpu_track")
    start, end = agreement(row)
    return api.Company(
        name=f"companies/{row.text('company_id')}",
        display_name=row.text("name_en"),
        local_name=row.text("name_ko"),
        programme=programme,
        industry=row.text("industry"),
        agreement_start_time=moment(start, 0, rules.time_zone),
        agreement_end_time=moment(end, 0, rules.time_zone),
        notice=hours(row.read("gpu_track", lambda key: slots["advance_notice_hours"][key])),
        horizon=days(row.read("programme", lambda key: slots["advance_horizon_days"][key])),
        reservation_max=days(row.read("gpu_track", lambda key: slots["reservation_max_days"][key])),
        certified=row.text("security_cert") == "certified",
        **track_size(row, rules),
        attributes={
            **row.others(TYPED_COLUMNS),
            **plain(programme_terms(programme, rules)),
            "free_cancel_hours": str(slots["free_cancel_before_start_hours"][track]),
        },
    )


def track_size(row: Row, rules: Rules) -> dict[str, Any]:
    """How many accelerators one booking may have on its track; an agreement that grants more at once allows those."""
    limits = row.read("gpu_track", lambda key: rules.at("tracks")[key])
    if "gpus_unapproved" not in limits:
        return {}
    return {
        "gpus_unapproved": int(limits["gpus_unapproved"]),
        "gpus_max": max(int(limits["gpus_max"]), row.number("max_concurrent_gpus")),
        "gpus_approval_time": hours(int(rules.at("equipment_rules", "approval_sla_hours")["manager"])),
    }


def programme_terms(programme: str, rules: Rules) -> dict[str, object]:
    """What the rules say of a programme and no field of a company holds."""
    entry = rules.entry("programmes", programme)
    return {f"programme_{key}": entry[key] for key in PROGRAMME_KEYS if key in entry}


def agreement(row: Row) -> tuple[date, date]:
    """The first day of the agreement and the day after its last."""
    start = row.read("agreement_start", date.fromisoformat)
    end = row.read("agreement_end", date.fromisoformat) + timedelta(days=1)
    if end <= start:
        raise CatalogueError(f"{row.file}, line {row.line}: the agreement ends before it starts")
    return start, end


def read_quotas(row: Row, rules: Rules, pools: Mapping[str, api.Resource]) -> Iterator[api.Quota]:
    """A quota for its pool and one for equipment, for each calendar month of the agreement."""
    pool = row.read("gpu_pool", lambda name: pools[f"resources/{name}"])
    scale = MILLI if pool.unit == api.RESOURCE_UNIT_MILLI_GPU else 1
    gpu_hours, equipment_hours = row.number("gpu_hours_month"), row.number("equipment_hours_month")
    for first, after in months(*agreement(row)):
        period = (moment(first, 0, rules.time_zone), moment(after, 0, rules.time_zone))
        if gpu_hours:
            units_max = row.number("max_concurrent_gpus") * scale
            yield quota(row, pool.name, period, gpu_hours * HOUR_SECONDS * scale, units_max)
        if equipment_hours:
            yield quota(row, EQUIPMENT_METER, period, equipment_hours * HOUR_SECONDS, 0)


def quota(row: Row, meter: str, period: tuple[Timestamp, Timestamp], unit_seconds: int, units_max: int) -> api.Quota:
    """One grant on one meter."""
    return api.Quota(
        company=f"companies/{row.text('company_id')}",
        meter=meter,
        start_time=period[0],
        end_time=period[1],
        unit_seconds=unit_seconds,
        concurrent_units_max=units_max,
    )


def months(start: date, end: date) -> Iterator[tuple[date, date]]:
    """The calendar months of `[start, end)`, the first and the last cut to it."""
    while start < end:
        next_month = (start.replace(day=1) + timedelta(days=31)).replace(day=1)
        yield start, min(next_month, end)
        start = next_month
