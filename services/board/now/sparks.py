"""Small drawings in the flow of a page: what of a pool is free over time."""

from datetime import datetime, timedelta

from services.board.doors.catalogue import figure
from services.board.frame.visit import Visit
from services.board.paper.markup import Markup, el
from services.board.paper.times import from_timestamp
from services.generated.aidc.scheduler.v1 import scheduler_pb2 as api


def free(visit: Visit, pool: api.Resource, calendar: api.Calendar, start: datetime, length: timedelta) -> Markup:
    """Free units as an area from left to right, all of the pool being the full height."""
    drawn = []
    for part in calendar.intervals:
        left = (from_timestamp(part.start_time) - start) / length
        wide = (from_timestamp(part.end_time) - from_timestamp(part.start_time)) / length
        high = part.free_units / max(1, calendar.capacity_units)
        if high > 0:
            drawn.append(
                el(
                    "rect",
                    x=f"{left * 100:.3f}%",
                    width=f"{wide * 100:.3f}%",
                    y=f"{(1 - high) * 100:.2f}%",
                    height=f"{high * 100:.2f}%",
                )
            )
    least = min((part.free_units for part in calendar.intervals), default=0)
    days = length // timedelta(days=1)
    label = visit.words("spark_label", days=days, least=figure(pool, least), total=figure(pool, pool.capacity_units))
    drawing = el("svg", el("title", label), drawn, class_="spark", role="img", aria_label=label, focusable="false")
    ends = [
        el("span", visit.words("today")),
        el("span", visit.words("time_in", length=visit.words("time_days", count=days))),
    ]
    return el("figure", drawing, el("figcaption", ends), class_="sparkline")
