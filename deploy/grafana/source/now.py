"""Now: what a wall screen in the centre shows."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, bars, board, curves, number, row, rows

COMPUTE = 'on (pool) group_left (unit) alloc_pool_info{kind="compute"}'
EQUIPMENT = 'on (pool) group_left () alloc_pool_info{kind="equipment"}'
STAFF = 'on (pool) group_left () alloc_pool_info{kind="operators"}'
GOOD_FROM_HALF = ((0, "red"), (0.5, "green"))


def now() -> Dashboard:
    """What is free, what is coming, and whether all is well."""
    return (
        board("now", "aidc · Now", "What is free, what is coming, and whether all is well.", hours=6)
        .with_row(row("Free now"))
        .with_panel(
            number(
                "Free units",
                "Units of each compute pool that are neither held nor out of reach.",
                Query(f"alloc_pool_free_units * {COMPUTE}", "{{pool}} ({{unit}})"),
                width=14,
                limits=((0, "red"), (1, "green")),
            )
        )
        .with_panel(
            number(
                "Equipment free",
                "Pieces of equipment with room at this moment, of those that are open.",
                Query(f"count(alloc_pool_free_units * {EQUIPMENT} > 0) or vector(0)", "free"),
                Query(f"count(pool:alloc_available:units * {EQUIPMENT} > 0) or vector(0)", "open"),
            )
        )
        .with_panel(
            rows(
                "Staff on duty",
                "Operators who are on shift and not assigned.",
                Query(f"alloc_pool_free_units * {STAFF}"),
                columns=("pool",),
                width=6,
            )
        )
        .with_row(row("Next"))
        .with_panel(
            rows(
                "Next fit",
                "Earliest start by room alone: small is the least that can be booked, medium a node, whole all of it; "
                "each for a day.",
                Query(f"1000 * alloc_pool_next_fit_timestamp_seconds * {COMPUTE}"),
                columns=("pool", "shape"),
                unit="dateTimeAsIso",
                width=10,
            )
        )
        .with_panel(
            bars(
                "Largest free block",
                "Most units free now that stand together.",
                Query("alloc_pool_largest_free_block_units", "{{pool}}"),
                width=7,
            )
        )
        .with_panel(
            bars(
                "Booked in the next hour",
                "Share of what can be booked in the coming hour that is booked.",
                Query(f'alloc_pool_committed_ratio{{horizon="1h"}} * {COMPUTE}', "{{pool}}"),
                unit="percentunit",
                width=7,
                limits=((0.95, "orange"),),
            )
        )
        .with_row(row("Coming and going"))
        .with_panel(
            bars(
                "Due within the hour",
                "Units that reservations take or leave within the next hour.",
                Query("sum by (pool, change) (alloc_pool_due_units) > 0", "{{pool}} {{change}}"),
                width=6,
                empty="Nothing starts or ends within the hour.",
            )
        )
        .with_panel(
            curves(
                "Started and ended, an hour",
                "Reservations that became active, ended or were cancelled within the last hour.",
                Query("sum by (to_state) (increase(alloc_reservation_transitions_total[1h]))", "{{to_state}}"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Live reservations",
                "Reservations that hold units, now or later; one on several pools counts in each.",
                Query("sum by (state) (alloc_reservations)", "{{state}}"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Out of reach",
                "Compute units that cannot be held, by reason.",
                Query(f"sum by (reason) (alloc_pool_unavailable_units * {COMPUTE})", "{{reason}}"),
                width=6,
                stacked=True,
            )
        )
        .with_row(row("Is all well?"))
        .with_panel(
            number(
                "Alerts",
                "Alerts that fire.",
                Query('count(ALERTS{alertstate="firing"}) or vector(0)'),
                limits=((0, "green"), (1, "red")),
            )
        )
        .with_panel(
            number(
                "Calls: budget left",
                "Of three days' budget for failed calls.",
                Query("1 - alloc:rpc_error:ratio_rate3d / 0.001"),
                unit="percentunit",
                limits=GOOD_FROM_HALF,
            )
        )
        .with_panel(
            number(
                "Decisions: budget left",
                "Of three days' budget for slow decisions.",
                Query("1 - alloc:decision_slow:ratio_rate3d / 0.01"),
                unit="percentunit",
                limits=GOOD_FROM_HALF,
            )
        )
        .with_panel(
            number(
                "Behind the log",
                "For how long a view has missed a page of the log.",
                Query("alloc_projection_lag_seconds", "{{projection}}"),
                unit="s",
                width=6,
                limits=((0, "green"), (5, "red")),
            )
        )
        .with_panel(
            number(
                "Services",
                "Services that answer, of those that should.",
                Query('sum(up{job="aidc"})', "answer"),
                Query('count(up{job="aidc"})', "of"),
                width=6,
            )
        )
    )
