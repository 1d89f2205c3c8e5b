"""Demand and forecast: what a planner asks. What is booked ahead, what is expected, and what could not be had."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, bars, board, curves, row, rows

COMPUTE = 'on (pool) group_left () alloc_pool_info{kind="compute"}'
EQUIPMENT = 'on (pool) group_left () alloc_pool_info{kind="equipment"}'


def demand() -> Dashboard:
    """What is booked ahead, and what could not be."""
    return (
        board("demand", "aidc · Demand and forecast", "What is booked ahead, and what could not be.", hours=24 * 7)
        .with_row(row("Booked ahead"))
        .with_panel(
            bars(
                "Booked share by horizon",
                "Share of what can be booked within an hour, a day, a week and a month that is booked.",
                Query(f"alloc_pool_committed_ratio * {COMPUTE}", "{{pool}} {{horizon}}"),
                unit="percentunit",
                limits=((0.8, "orange"), (0.95, "red")),
            )
        )
        .with_panel(
            curves(
                "Booked share of the week to come",
                "How full the next seven days are, as time goes on.",
                Query(f'alloc_pool_committed_ratio{{horizon="7d"}} * {COMPUTE}', "{{pool}}"),
                unit="percentunit",
            )
        )
        .with_panel(
            curves(
                "How soon a shape fits",
                "From the log's now to the earliest start of each reference shape, by room alone.",
                Query(
                    "(alloc_pool_next_fit_timestamp_seconds - on () group_left () alloc_outlook_timestamp_seconds)"
                    f" * {COMPUTE}",
                    "{{pool}} {{shape}}",
                ),
                unit="s",
            )
        )
        .with_panel(
            rows(
                "Fullest equipment, a month",
                "Booked share of the opening hours of the next thirty days.",
                Query(f'topk(20, alloc_pool_committed_ratio{{horizon="30d"}} * {EQUIPMENT})'),
                columns=("pool",),
                unit="percentunit",
            )
        )
        .with_row(row("Expected, by the same hours of earlier weeks"))
        .with_panel(
            curves(
                "Expected to be held",
                "Units, mean over the next day and week: as likely as not, and nine times in ten not more.",
                Query(f'alloc_pool_forecast_units{{quantile_level="0.5"}} * {COMPUTE}', "{{pool}} {{horizon}}"),
                Query(f'alloc_pool_forecast_units{{quantile_level="0.9"}} * {COMPUTE}', "{{pool}} {{horizon}}, most"),
                empty="No forecast before there are two weeks to learn from.",
            )
        )
        .with_panel(
            curves(
                "How wrong the forecast was",
                "Of what was held last week: what it was off by, beside as a week ago and as a day ago.",
                Query(f"alloc_pool_forecast_error_ratio * {COMPUTE}", "{{pool}} {{model}}"),
                unit="percentunit",
                width=8,
                empty="No forecast before there are two weeks to learn from.",
            )
        )
        .with_panel(
            rows(
                "Cost of being off",
                "Mean pinball loss of the last week, in units, by quantile.",
                Query(f"alloc_pool_forecast_pinball_units * {COMPUTE}"),
                columns=("pool", "quantile_level"),
                width=4,
                empty="No forecast before there are two weeks to learn from.",
            )
        )
        .with_row(row("Asked for"))
        .with_panel(
            curves(
                "Requests by outcome",
                "Reservations asked for, a second.",
                Query("alloc:reservation_requests:rate5m", "{{outcome}}"),
                unit="reqps",
                width=8,
                stacked=True,
            )
        )
        .with_panel(
            curves(
                "Refused, by rule",
                "Rules that said no, an hour; one request may break several.",
                Query("3600 * sum by (reason) (pool:alloc_rejections:rate1h)", "{{reason}}"),
                width=8,
                stacked=True,
            )
        )
        .with_panel(
            rows(
                "Where room was missing",
                "Refusals for want of room, quota or an open hour, an hour.",
                Query("topk(20, 3600 * pool:alloc_rejections:rate1h > 0)"),
                columns=("pool", "reason"),
                width=8,
            )
        )
        .with_panel(
            rows(
                "Waiting for approval",
                "When the first booking that waits is denied, on each resource, unless somebody decides.",
                Query("1000 * alloc_pool_next_denial_timestamp_seconds"),
                columns=("pool",),
                unit="dateTimeAsIso",
                width=8,
                empty="Nothing waits for approval.",
            )
        )
        .with_panel(
            curves(
                "Asked for approval, and denied, an hour",
                "Bookings that a manager or a committee had to decide on, and those that were denied.",
                Query(
                    'sum by (to_state) (increase(alloc_reservation_transitions_total{to_state=~"pending|denied"}[1h]))',
                    "{{to_state}}",
                ),
                width=16,
            )
        )
        .with_row(row("Unmet, within a day"))
        .with_panel(
            curves(
                "Refused for want of room",
                "Refused within the last day, of all that a pool can give in a day; each distinct demand once.",
                Query(f"pool:alloc_unmet:ratio1d * {COMPUTE}", "{{pool}}"),
                unit="percentunit",
                width=8,
                empty="Nothing was refused for want of room within a day.",
            )
        )
        .with_panel(
            curves(
                "Refused, by programme",
                "Unit-hours refused within the last day for any reason, each distinct demand once.",
                Query("sum by (programme) (alloc_unmet_unit_seconds) / 3600", "{{programme}}"),
                width=8,
                stacked=True,
            )
        )
        .with_panel(
            rows(
                "Most missed",
                "Unit-hours refused within the last day, by what stood in the way.",
                Query("topk(20, sum by (pool, reason) (alloc_unmet_unit_seconds)) / 3600"),
                columns=("pool", "reason"),
                width=8,
            )
        )
        .with_row(row("Quotas"))
        .with_panel(
            rows(
                "Most of the quota booked",
                "Share of the running period's quota that is booked.",
                Query("topk(20, company:alloc_quota_used:ratio > 0)"),
                columns=("company", "kind"),
                unit="percentunit",
                width=8,
            )
        )
        .with_panel(
            rows(
                "Booked up before the period ends",
                "Quotas that will not last at the pace so far, and when they will be booked up.",
                Query(
                    "1000 * bottomk(20, alloc_quota_projected_end_timestamp_seconds"
                    " < on (kind) group_left () alloc_quota_period_end_timestamp_seconds)"
                ),
                columns=("company", "kind"),
                unit="dateTimeAsIso",
                width=8,
                empty="At the pace so far every quota lasts.",
            )
        )
        .with_panel(
            bars(
                "Quota granted against a pool's whole",
                "Unit-hours granted for the running period, by meter.",
                Query("sum by (kind) (alloc_quota_limit_unit_seconds) / 3600", "granted {{kind}}"),
                Query("sum by (kind) (alloc_quota_used_unit_seconds) / 3600", "booked {{kind}}"),
                width=8,
            )
        )
    )
