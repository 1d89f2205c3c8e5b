"""Company: what one tenant asks, and what its contact at the centre shows it."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, bars, board, choice, curves, row, rows

MINE = 'company="$company"'


def company() -> Dashboard:
    """Quota, bookings and use of one company."""
    return (
        board("company", "aidc · Company", "Quota, bookings and use of one company.", hours=24 * 30)
        .with_variable(choice("company", "Company", "label_values(alloc_company_info, company)"))
        .with_row(row("Quota of the running period"))
        .with_panel(
            bars(
                "Booked",
                "Share of the quota that is booked.",
                Query(f"company:alloc_quota_used:ratio{{{MINE}}}", "{{kind}}"),
                unit="percentunit",
                width=8,
                limits=((0.9, "orange"), (1, "red")),
            )
        )
        .with_panel(
            rows(
                "Booked up at this pace",
                "When the quota will be booked up, if booking goes on as since the period began.",
                Query(f"1000 * alloc_quota_projected_end_timestamp_seconds{{{MINE}}}"),
                columns=("kind",),
                unit="dateTimeAsIso",
                width=8,
            )
        )
        .with_panel(
            rows(
                "Period ends",
                "When the next quota begins.",
                Query(
                    "1000 * alloc_quota_period_end_timestamp_seconds"
                    f" and on (kind) alloc_quota_limit_unit_seconds{{{MINE}}} > 0"
                ),
                columns=("kind",),
                unit="dateTimeAsIso",
                width=8,
            )
        )
        .with_panel(
            curves(
                "Booked, unit-hours",
                "Unit-hours booked within the period, against what was granted.",
                Query(f"alloc_quota_used_unit_seconds{{{MINE}}} / 3600", "booked {{kind}}"),
                Query(f"alloc_quota_limit_unit_seconds{{{MINE}}} / 3600", "granted {{kind}}"),
                width=24,
            )
        )
        .with_row(row("Unit-hours"))
        .with_panel(
            curves(
                "Held for later",
                "Unit-hours of live reservations, by resource.",
                Query(f"alloc_held_unit_seconds{{{MINE}}} / 3600", "{{pool}}"),
                width=8,
                stacked=True,
            )
        )
        .with_panel(
            curves(
                "Booked and used",
                "Unit-hours confirmed, and unit-hours held to their end, since the centre began.",
                Query(f"sum(alloc_reserved_unit_seconds_total{{{MINE}}}) / 3600", "booked"),
                Query(f"sum(alloc_used_unit_seconds_total{{{MINE}}}) / 3600", "used"),
                Query(f"sum(alloc_released_unit_seconds_total{{{MINE}}}) / 3600", "given back"),
                width=8,
            )
        )
        .with_panel(
            rows(
                "Given back, a day",
                "Share of the last day's bookings that was given back.",
                Query(f"company:alloc_released:ratio_rate1d{{{MINE}}}"),
                columns=("pool",),
                unit="percentunit",
                width=8,
                empty="Nothing was booked within a day.",
            )
        )
        .with_row(row("What went wrong"))
        .with_panel(
            rows(
                "Taken away, unit-hours",
                "What an outage or a want of funding took of what was booked, since the centre began.",
                Query(f"alloc_lost_unit_seconds_total{{{MINE}}} / 3600"),
                columns=("reason",),
                width=8,
                empty="Nothing was ever taken away.",
            )
        )
        .with_panel(
            rows(
                "Nobody came",
                "Reservations given back because nobody came in time.",
                Query(f"alloc_no_shows_total{{{MINE}}}"),
                columns=("pool",),
                width=8,
                empty="Somebody always came.",
            )
        )
        .with_panel(
            rows(
                "At work, a day",
                "Share of what was held, as far as it was measured within a day, that was at work.",
                Query(f"company:alloc_efficiency:ratio_rate1d{{{MINE}}}"),
                columns=("pool",),
                unit="percentunit",
                width=8,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_row(row("Requests"))
        .with_panel(
            curves(
                "Requests by outcome",
                "Reservations asked for in an hour.",
                Query(f"sum by (outcome) (increase(alloc_reservation_requests_total{{{MINE}}}[1h]))", "{{outcome}}"),
                width=24,
            )
        )
    )
