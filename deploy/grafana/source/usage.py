"""Usage and waste: what a manager of the centre asks."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, bars, board, curves, row, rows

UNIT = "on (pool) group_left (unit) alloc_pool_info"
HOURS = "/ 3600"
ACTIVE = 'alloc_pool_reserved_units{state="active"}'


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
                empty="Nothing was booked within an hour.",
            )
        )
        .with_panel(
            curves(
                "Used and given back, unit-hours an hour",
                "Unit-hours held to their end, and those given back by cancelling or releasing early.",
                Query("sum(rate(alloc_used_unit_seconds_total[1h]))", "used"),
                Query("sum(rate(alloc_released_unit_seconds_total[1h]))", "given back"),
                width=8,
                empty="Nothing ended or was given back within an hour.",
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
        .with_panel(
            curves(
                "Reclaimed, unit-hours an hour",
                "Given back of reservations that had begun: early by whoever held them, idle, by nobody's coming, or "
                "for misuse.",
                Query("sum by (reason) (rate(alloc_reclaimed_unit_seconds_total[1h]))", "{{reason}}"),
                stacked=True,
            )
        )
        .with_panel(
            rows(
                "Taken away, unit-hours",
                "What outages, or a want of funding, took of what companies had booked, since the centre began.",
                Query("topk(20, alloc_lost_unit_seconds_total / 3600)"),
                columns=("company", "reason"),
                empty="Nothing was ever taken away.",
            )
        )
        .with_row(row("Held against at work, where nodes report"))
        .with_panel(
            bars(
                "Reported on, held, at work, left alone",
                "Units by compute pool; what no node reports is in none but the second.",
                Query("alloc_pool_measured_units", "reported on {{pool}}"),
                Query(f"{ACTIVE} and on (pool) alloc_pool_measured_units", "held {{pool}}"),
                Query("alloc_pool_used_units", "at work {{pool}}"),
                Query("alloc_pool_idle_held_units", "left alone {{pool}}"),
                Query("alloc_pool_stray_units", "at work and nobody's {{pool}}"),
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            curves(
                "At work, and left alone",
                "Share of the units reported on that work; share of those held that have done nothing for a while.",
                Query("pool:alloc_utilisation:ratio", "{{pool}} at work"),
                Query("pool:alloc_idle_held:ratio", "{{pool}} left alone"),
                unit="percentunit",
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            rows(
                "Most idle, a day",
                "Share of what a company held, as far as it was measured within a day, that did next to nothing.",
                Query("topk(20, company:alloc_idle_held:ratio_rate1d)"),
                columns=("company", "pool"),
                unit="percentunit",
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            rows(
                "Least at work, a day",
                "Share of what a company held, as far as it was measured within a day, that was at work.",
                Query("bottomk(20, company:alloc_efficiency:ratio_rate1d)"),
                columns=("company", "pool"),
                unit="percentunit",
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            curves(
                "Measured unit-hours an hour",
                "What the log records of reservations: at work, idle, and in all.",
                Query("sum(rate(alloc_measured_unit_seconds_total[1h]))", "measured"),
                Query("sum(rate(alloc_busy_unit_seconds_total[1h]))", "at work"),
                Query("sum(rate(alloc_idle_held_unit_seconds_total[1h]))", "idle"),
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            bars(
                "Taken up soon",
                "Reservations whose first quarter of an hour was measured, by whether any unit of them worked in it.",
                Query("alloc_reservations_taken_up_total", "{{pool}} {{outcome}}"),
                width=8,
                empty="Of nothing is it known yet whether it was used from its start.",
            )
        )
        .with_row(row("By company"))
        .with_panel(
            rows(
                "Nobody came",
                "Reservations given back because nobody came in time.",
                Query("topk(20, alloc_no_shows_total)"),
                columns=("company", "pool"),
                width=8,
                empty="Everybody came.",
            )
        )
        .with_panel(
            rows(
                "Most used, a week",
                "Unit-hours held to their end in the last seven days.",
                Query(f"topk(20, sum by (company) (increase(alloc_used_unit_seconds_total[7d]))) {HOURS}"),
                columns=("company",),
                width=8,
                empty="Nothing has ended within a week.",
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
                empty="Nothing was booked within a day.",
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
                "Free, and of no use",
                "Share of a compute pool's free units that the typical demand of the last seven days could not use as "
                "they lie, node by node.",
                Query("alloc_pool_fragmentation_ratio", "{{pool}}"),
                unit="percentunit",
                width=8,
                empty="Nothing was booked within a week, or nothing is free.",
            )
        )
        .with_panel(
            curves(
                "Free units outside the largest block",
                "Share of a compute pool's free units that do not stand together with the most that do.",
                Query("1 - alloc_pool_largest_free_block_units / on (pool) (alloc_pool_free_units > 0)", "{{pool}}"),
                unit="percentunit",
                width=8,
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
                width=8,
            )
        )
    )
