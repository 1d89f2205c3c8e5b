"""Usage and waste: what a manager of the centre asks."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, bars, board, curves, row, rows

UNIT = "on (pool) group_left (unit) alloc_pool_info"
HOURS = "/ 3600"


def usage() -> Dashboard:
    """From what is installed to what was given back."""
    return (
        board("usage", "aidc · Usage and waste", "From what is installed to what was given back.", hours=24 * 7)
        .with_row(row("From installed to active"))
        .with_panel(
            bars(
                "Installed, available, reserved, active",
                "Each a part of the one before; only units of one sort are added up.",
                Query(f"sum by (unit) (alloc_pool_capacity_units * {UNIT})", "installed {{unit}}"),
                Query(f"sum by (unit) (pool:alloc_available:units * {UNIT})", "available {{unit}}"),
                Query(f"sum by (unit) (sum by (pool) (alloc_pool_reserved_units) * {UNIT})", "reserved {{unit}}"),
                Query(
                    f'sum by (unit) (sum by (pool) (alloc_pool_reserved_units{{state="active"}}) * {UNIT})',
                    "active {{unit}}",
                ),
            )
        )
        .with_panel(
            curves(
                "Occupancy",
                "Active units of those that can be held now.",
                Query('pool:alloc_occupancy:ratio * on (pool) alloc_pool_info{kind="compute"}', "{{pool}}"),
                unit="percentunit",
            )
        )
        .with_row(row("Unit-hours"))
        .with_panel(
            curves(
                "Booked, unit-hours an hour",
                "Unit-hours confirmed in each hour, by compute pool.",
                Query(
                    "sum by (pool) (rate(alloc_reserved_unit_seconds_total[1h]))"
                    ' * on (pool) group_left () alloc_pool_info{kind="compute"}',
                    "{{pool}}",
                ),
                width=8,
            )
        )
        .with_panel(
            curves(
                "Used and given back, unit-hours an hour",
                "Unit-hours held to their end, and those given back by cancelling or releasing early.",
                Query("sum(rate(alloc_used_unit_seconds_total[1h]))", "used"),
                Query("sum(rate(alloc_released_unit_seconds_total[1h]))", "given back"),
                width=8,
            )
        )
        .with_panel(
            bars(
                "Held for later, unit-hours",
                "Unit-hours of live reservations.",
                Query(f"sum by (pool) (alloc_held_unit_seconds) {HOURS} > 0", "{{pool}}"),
                width=8,
            )
        )
        .with_row(row("By company"))
        .with_panel(
            rows(
                "Most used, a week",
                "Unit-hours held to their end in the last seven days.",
                Query(f"topk(20, sum by (company) (increase(alloc_used_unit_seconds_total[7d]))) {HOURS}"),
                columns=("company",),
                width=8,
            )
        )
        .with_panel(
            rows(
                "Most given back, a day",
                "Share of the last day's bookings that a company gave back on a pool; nobody else could plan with it.",
                Query("topk(20, company:alloc_released:ratio_rate1d)"),
                columns=("company", "pool"),
                unit="percentunit",
                width=8,
            )
        )
        .with_panel(
            curves(
                "Cancelled of confirmed",
                "Reservations cancelled for each one confirmed, over a day.",
                Query(
                    'sum(rate(alloc_reservation_transitions_total{to_state="cancelled"}[1d]))'
                    ' / sum(rate(alloc_reservation_transitions_total{to_state="confirmed"}[1d]))',
                    "cancelled",
                ),
                unit="percentunit",
                width=8,
            )
        )
        .with_row(row("Pieces"))
        .with_panel(
            curves(
                "Free units outside the largest block",
                "Share of a compute pool's free units that do not stand together with the most that do.",
                Query("1 - alloc_pool_largest_free_block_units / on (pool) (alloc_pool_free_units > 0)", "{{pool}}"),
                unit="percentunit",
            )
        )
        .with_panel(
            curves(
                "Out of reach",
                "Share of each sort of unit that cannot be held, by reason.",
                Query(
                    f"sum by (unit, reason) (alloc_pool_unavailable_units * {UNIT})"
                    f" / on (unit) group_left () sum by (unit) (alloc_pool_capacity_units * {UNIT})",
                    "{{unit}} {{reason}}",
                ),
                unit="percentunit",
            )
        )
    )
