"""Service health: what whoever is on call asks, from the caller to the last view of the log."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana.source.panels import Query, board, curves, number, row, rows


def quantile(share: str, histogram: str, by: str) -> str:
    """A quantile of the last five minutes."""
    return f"histogram_quantile({share}, sum by ({by}, le) (rate({histogram}_bucket[5m])))"


def health() -> Dashboard:
    """Rates, errors and durations; the way of a page; the processes."""
    board_ = board("health", "aidc · Service health", "Rates, errors, durations, and the way of a page.", hours=3)
    return processes(log(calls(board_)))


def calls(before: Dashboard) -> Dashboard:
    """What callers see."""
    return (
        before.with_row(row("Calls"))
        .with_panel(
            curves(
                "Calls a second",
                "By method.",
                Query("sum by (grpc_method) (rate(grpc_server_handled_total[5m]))", "{{grpc_method}}"),
                unit="reqps",
                width=8,
            )
        )
        .with_panel(
            curves(
                "Failing calls",
                "Share of unary calls that count against the budget, over five minutes and over six hours.",
                Query("alloc:rpc_error:ratio_rate5m", "5 m"),
                Query("alloc:rpc_error:ratio_rate6h", "6 h"),
                unit="percentunit",
                width=8,
            )
        )
        .with_panel(
            curves(
                "How long calls take, p99",
                "By method.",
                Query(quantile("0.99", "grpc_server_handling_seconds", "grpc_method"), "{{grpc_method}}"),
                unit="s",
                width=8,
            )
        )
        .with_panel(
            curves(
                "Codes",
                "Answers other than OK, a second.",
                Query('sum by (grpc_code) (rate(grpc_server_handled_total{grpc_code!="OK"}[5m]))', "{{grpc_code}}"),
                unit="reqps",
                width=6,
            )
        )
        .with_panel(
            curves(
                "In flight",
                "Calls begun and not ended.",
                Query(
                    "sum by (service) (grpc_server_started_total) - sum by (service) (grpc_server_handled_total)",
                    "{{service}}",
                ),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Turned away",
                "Calls over a limit of ours, and calls without a good token, a second.",
                Query("sum(rate(alloc_grpc_shed_total[5m])) or vector(0)", "over a limit"),
                Query("sum(rate(alloc_auth_failures_total[5m])) or vector(0)", "no good token"),
                unit="reqps",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Streams that ended, an hour",
                "By why: clients leave and servers drain every day; one that is too slow is cut off, and resumes.",
                Query("sum by (reason) (increase(alloc_watch_closed_total[1h]))", "{{reason}}"),
                width=6,
                empty="No stream has ended.",
            )
        )
        .with_panel(
            curves(
                "How long decisions take",
                "From a valid request to its durable answer.",
                Query(quantile("0.5", "alloc_decision_seconds", "job"), "p50"),
                Query(quantile("0.99", "alloc_decision_seconds", "job"), "p99"),
                unit="s",
                width=6,
                empty="Nothing was asked for within five minutes.",
            )
        )
    )


def log(before: Dashboard) -> Dashboard:
    """The way of a page, from the writer to the views."""
    return (
        before.with_row(row("From the writer to the views"))
        .with_panel(
            curves(
                "Made durable",
                "Pages and events, a second.",
                Query("rate(alloc_pages_appended_total[5m])", "pages"),
                Query("rate(alloc_events_published_total[5m])", "events"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Applied",
                "Events applied by each view, a second.",
                Query("sum by (projection) (rate(alloc_projection_applied_total[5m]))", "{{projection}}"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Pages behind",
                "Pages that the log holds and a view does not.",
                Query("alloc_projection_lag_events", "{{projection}}"),
                Query("alloc_stream_consumer_lag_messages", "{{stream}}, its slowest reader"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Seconds behind",
                "For how long a view has missed a page.",
                Query("alloc_projection_lag_seconds", "{{projection}}"),
                unit="s",
                width=6,
            )
        )
        .with_panel(
            curves("Stream", "Size of each stream.", Query("alloc_stream_bytes", "{{stream}}"), unit="bytes", width=6)
        )
        .with_panel(
            curves(
                "Full",
                "Share of its limit.",
                Query("stream:alloc_used:ratio", "{{stream}}"),
                unit="percentunit",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Readers standing ready",
                "Requests of readers for the next message of a stream, and messages handed out twice.",
                Query("alloc_stream_waiting_pulls", "{{stream}} ready"),
                Query("alloc_stream_redelivered_messages", "{{stream}} twice"),
                width=6,
            )
        )
        .with_panel(
            number(
                "nats-server",
                "Clients connected, clients cut off for being slow, requests to JetStream refused.",
                Query("alloc_nats_connections", "connected"),
                Query("alloc_nats_slow_consumers_total", "cut off"),
                Query("alloc_nats_api_errors_total", "refused"),
                width=6,
            )
        )
        .with_panel(
            number(
                "Invariants violated",
                "Contradictions that the ledger found; must stay 0.",
                Query("sum(alloc_ledger_invariant_violations_total) or vector(0)"),
                width=6,
                limits=((0, "green"), (1, "red")),
            )
        )
    )


def processes(before: Dashboard) -> Dashboard:
    """What the processes need."""
    return (
        before.with_row(row("Processes"))
        .with_panel(
            curves("Processor", "Cores busy.", Query("rate(process_cpu_seconds_total[5m])", "{{service}}"), width=6)
        )
        .with_panel(
            curves("Memory", "Resident.", Query("process_resident_memory_bytes", "{{service}}"), unit="bytes", width=6)
        )
        .with_panel(
            curves(
                "Connections to Postgres",
                "The ledger's own, by state, and all that Postgres serves.",
                Query("alloc_db_pool_connections", "{{state}}"),
                Query("alloc_db_backends", "served"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Transactions in Postgres",
                "Transactions that ended, rows written, and deadlocks, of which there should be none, a second.",
                Query("rate(alloc_db_transactions_total[5m])", "{{outcome}}"),
                Query("rate(alloc_db_rows_written_total[5m])", "rows written"),
                Query("rate(alloc_db_deadlocks_total[5m])", "deadlocks"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Found in Postgres's memory",
                "Share of blocks that needed no disk.",
                Query(
                    'sum(rate(alloc_db_blocks_total{source="memory"}[5m]))'
                    " / (sum(rate(alloc_db_blocks_total[5m])) > 0)",
                    "share",
                ),
                unit="percentunit",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Spilled to disk by Postgres",
                "Bytes a second of temporary files, of sorts too large for its memory; there should be none.",
                Query("rate(alloc_db_temporary_bytes_total[5m])", "temporary bytes"),
                unit="Bps",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Size of the books",
                "The database, and its largest tables.",
                Query("alloc_db_size_bytes", "database"),
                Query("topk(5, alloc_db_table_bytes)", "{{table}}"),
                unit="bytes",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Rows to be swept away",
                "Dead rows of the tables that have most of them.",
                Query("topk(5, alloc_db_table_dead_rows)", "{{table}}"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Age of the figures",
                "Seconds since a background reading of the metrics service worked.",
                Query("alloc_collector_data_age_seconds", "{{collector}}"),
                unit="s",
                width=6,
            )
        )
        .with_panel(
            curves(
                "Refusals told beside the log",
                "Refused demands that reached their stream, and those dropped, a second.",
                Query("rate(alloc_refusals_published_total[5m])", "told"),
                Query("rate(alloc_refusals_dropped_total[5m])", "dropped"),
                width=6,
            )
        )
        .with_panel(
            curves(
                "Reports of nodes",
                "Reports that the scheduler counted or left out, and records of use written to the log, a second.",
                Query("rate(alloc_use_reports_total[5m])", "{{outcome}}"),
                Query("rate(alloc_use_records_total[5m])", "recorded"),
                width=6,
                empty="No node reports. aidc agent does, where it runs.",
            )
        )
        .with_panel(
            curves(
                "Read beside the log",
                "Messages of the streams beside the log that metrics took in, or could not read, a second.",
                Query("rate(alloc_side_messages_total[5m])", "{{stream}} {{outcome}}"),
                width=6,
            )
        )
        .with_panel(curves("Open watches", "Watch streams.", Query("alloc_watch_streams", "{{watch}}"), width=6))
        .with_panel(
            curves(
                "Held in memory",
                "Reservations that the scheduler keeps.",
                Query("alloc_reservations_kept", "reservations"),
                width=6,
            )
        )
        .with_panel(
            rows("Series", "Series of each metric.", Query("topk(10, alloc_series)"), columns=("metric",), width=6)
        )
        .with_panel(
            curves(
                "How long scrapes take",
                "By service.",
                Query('scrape_duration_seconds{job="aidc"}', "{{service}}"),
                unit="s",
                width=6,
            )
        )
    )
