"""Trainings: the rows of `qualifications.csv`, one a company and piece of equipment."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from services.cli.catalogue.calendar import moment
from services.cli.catalogue.tables import Rules, read_rows
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def read_qualifications(path: Path, rules: Rules) -> Iterator[api.GrantQualificationRequest]:
    """Each training as the request that records it; the last day is within it. A centre without the file has none."""
    if not path.exists():
        return
    for row in read_rows(path):
        start = row.read("trained_on", date.fromisoformat)
        end = row.read("expires_on", date.fromisoformat) + timedelta(days=1)
        yield api.GrantQualificationRequest(
            parent=f"companies/{row.text('company_id')}",
            qualification=api.Qualification(
                resource=f"resources/{row.text('equipment_id')}",
                start_time=moment(start, 0, rules.time_zone),
                end_time=moment(end, 0, rules.time_zone),
            ),
        )
