"""Every metric of this service, in one table.

Prefix `alloc_`, base units, `_total` on counters only. Labels come from closed sets, and `company` is capped. A pool is
homogeneous, so a unit has one meaning within a pool. The number in a row is the most series that the metric has in a
centre of `COMPANY_LABELS_MAX` companies and `POOLS_MAX` resources, `COMPUTE_POOLS_MAX` of them compute pools; together
they stay within `SERIES_MAX`.

Requests, rejections and decision times are counted where they happen: by the scheduler, the ledger and the doors. What
nothing can tell yet is not here; `left_out` names it with the reason.
"""

from typing import Literal, NamedTuple

from services.allocation.reservations import State
from services.eventlog.beside import SIDE_STREAMS_MAX
from services.metrics import readings, unmet
from services.metrics.availability import Unavailable
from services.metrics.counts import LIVE_STATES
from services.metrics.figures import (
    ACCOUNT_LABELS_MAX,
    COMPANY_LABELS_MAX,
    LOST_LABELS_MAX,
    MEASURED_LABELS_MAX,
    NO_SHOW_LABELS_MAX,
    OVERFLOW_LABELS,
    QUOTA_LABELS_MAX,
)
from services.metrics.forecast import HORIZONS_HOURS, QUANTILES, Model
from services.metrics.jetstream import STREAMS_MAX
from services.metrics.outlook import HORIZONS, Change, Shape
from services.metrics.readings import PROJECTION, SERIES
from services.metrics.showing import Reading
from services.metrics.taken_back import Lost, Reclaimed
from services.metrics.usage import EVENT_NAMES

POOLS_MAX = 100
COMPUTE_POOLS_MAX = 50
SERIES_MAX = 20_000
METRICS_MAX = 80
ACCOUNTS_MAX = ACCOUNT_LABELS_MAX + POOLS_MAX
QUOTAS_MAX = QUOTA_LABELS_MAX + POOLS_MAX
MEASURED_MAX = MEASURED_LABELS_MAX + POOLS_MAX
UNMET_MAX = unmet.LABELS_MAX + POOLS_MAX
RESERVES_MAX = 60
"""Combinations of pool and programme: a dozen programmes of five pools."""


class Metric(NamedTuple):
    """One metric: its name, what it says, and how its rows are read off."""

    name: str
    type: Literal["gauge", "counter"]
    unit: str
    labels: tuple[str, ...]
    series_max: int
    read: Reading
    help: str


# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("alloc_pool_info", "gauge", "", ("pool", "kind", "unit"), POOLS_MAX,
           readings.pool_info,
           "1 for each resource that can be booked; join on pool."),
    Metric("alloc_pool_capacity_units", "gauge", "units", ("pool",), POOLS_MAX,
           readings.pools(lambda pool: pool.resource.capacity),
           "Units installed."),
    Metric("alloc_pool_unavailable_units", "gauge", "units", ("pool", "reason"), POOLS_MAX * len(Unavailable),
           readings.unavailable,
           "Units that cannot be held at this moment, by the first reason that holds."),
    Metric("alloc_pool_reserved_units", "gauge", "units", ("pool", "state"), POOLS_MAX * len(LIVE_STATES),
           readings.reserved,
           "Units held at this moment, by the state of the reservation that holds them."),
    Metric("alloc_pool_free_units", "gauge", "units", ("pool",), POOLS_MAX,
           readings.free,
           "Units free at this moment: capacity less unavailable less reserved."),
    Metric("alloc_pool_funded_units", "gauge", "units", ("pool",), POOLS_MAX,
           readings.funded,
           "Units that there is money and power for at this moment; all installed ones where nobody said otherwise."),
    Metric("alloc_reservations", "gauge", "", ("pool", "state"), POOLS_MAX * len(LIVE_STATES),
           readings.states(lambda pool: pool.live),
           "Live reservations; one that stands on several pools counts in each."),
    Metric("alloc_reservation_transitions_total", "counter", "", ("pool", "to_state"), POOLS_MAX * len(State),
           readings.entered,
           "Reservations that entered a state; released early counts as completed, a part split off not as confirmed."),
    Metric("alloc_no_shows_total", "counter", "", ("company", "pool"), NO_SHOW_LABELS_MAX + POOLS_MAX,
           readings.no_shows,
           "Reservations that were given back because nobody came in time."),
    Metric("alloc_company_info", "gauge", "", ("company", "programme"), COMPANY_LABELS_MAX + 1,
           readings.company_info,
           "1 for each company; join on company."),
    Metric("alloc_reserved_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), ACCOUNTS_MAX,
           readings.accounts(lambda account: account.reserved, lambda moved: moved.reserved_at),
           "Units times seconds confirmed."),
    Metric("alloc_used_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), ACCOUNTS_MAX,
           readings.accounts(lambda account: account.used, lambda moved: moved.used_at),
           "Units times seconds of reservations that ended, up to their end or release."),
    Metric("alloc_released_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), ACCOUNTS_MAX,
           readings.accounts(lambda account: account.released, lambda moved: moved.released_at),
           "Units times seconds given back, by cancelling or by releasing early."),
    Metric("alloc_reclaimed_unit_seconds_total", "counter", "unit_seconds", ("pool", "reason"),
           POOLS_MAX * len(Reclaimed),
           readings.reclaimed,
           "Of those given back: of reservations that had begun, by what gave the rest back."),
    Metric("alloc_lost_unit_seconds_total", "counter", "unit_seconds", ("company", "reason"),
           LOST_LABELS_MAX + len(Lost),
           readings.lost,
           "Of those given back: taken away by an outage or for want of funding, before or after the start."),
    Metric("alloc_pool_next_denial_timestamp_seconds", "gauge", "seconds", ("pool",), POOLS_MAX,
           readings.denials,
           "When the first of the bookings that wait for approval is denied unless somebody decides."),
    Metric("alloc_measured_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), MEASURED_MAX,
           readings.measured(lambda known: known.seconds),
           "Units times seconds held of which the nodes reported the use, as the log records it."),
    Metric("alloc_busy_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), MEASURED_MAX,
           readings.measured(lambda known: known.busy),
           "Of those measured: units times seconds at work."),
    Metric("alloc_idle_held_unit_seconds_total", "counter", "unit_seconds", ("company", "pool"), MEASURED_MAX,
           readings.measured(lambda known: known.idle),
           "Of those measured: units times seconds held in which next to nothing was done."),
    Metric("alloc_reservations_taken_up_total", "counter", "", ("pool", "outcome"), POOLS_MAX * 2,
           readings.taken_up,
           "Reservations whose start was measured, by whether any unit was in use within a quarter of an hour."),
    Metric("alloc_pool_measured_units", "gauge", "units", ("pool",), COMPUTE_POOLS_MAX,
           readings.in_use(lambda use: use.measured),
           "Units whose nodes have reported within the last minute and a half."),
    Metric("alloc_pool_used_units", "gauge", "units", ("pool",), COMPUTE_POOLS_MAX,
           readings.in_use(lambda use: use.used),
           "Of those measured now: units at work, whoever holds them."),
    Metric("alloc_pool_idle_held_units", "gauge", "units", ("pool",), COMPUTE_POOLS_MAX,
           readings.in_use(lambda use: use.idle_held),
           "Of those measured now: units of active reservations left alone for a quarter of an hour."),
    Metric("alloc_pool_stray_units", "gauge", "units", ("pool",), COMPUTE_POOLS_MAX,
           readings.in_use(lambda use: use.stray),
           "Of those measured now: units at work that no reservation holds."),
    Metric("alloc_held_unit_seconds", "gauge", "unit_seconds", ("company", "pool"), ACCOUNTS_MAX,
           readings.held,
           "Units times seconds of live reservations: reserved less used less released."),
    Metric("alloc_quota_limit_unit_seconds", "gauge", "unit_seconds", ("company", "kind"), QUOTAS_MAX,
           readings.quotas(lambda quota: quota.limit),
           "Units times seconds granted on a meter for the period that contains this moment."),
    Metric("alloc_quota_used_unit_seconds", "gauge", "unit_seconds", ("company", "kind"), QUOTAS_MAX,
           readings.quotas(lambda quota: quota.used),
           "Units times seconds booked on a meter within the period that contains this moment."),
    Metric("alloc_quota_period_end_timestamp_seconds", "gauge", "seconds", ("kind",), POOLS_MAX + 1,
           readings.period_ends,
           "When the running period of a meter ends, for the company whose period ends first."),
    Metric("alloc_quota_projected_end_timestamp_seconds", "gauge", "seconds", ("company", "kind"), QUOTA_LABELS_MAX,
           readings.spent_at,
           "When the quota will be booked up, if booking goes on as since its period began."),
    Metric("alloc_reserve_unit_seconds", "gauge", "unit_seconds", ("pool", "programme"), RESERVES_MAX,
           readings.reserves,
           "Units times seconds left in a programme's reserve: returned by reviews, and not given again."),
    Metric("alloc_pool_committed_ratio", "gauge", "ratio", ("pool", "horizon"), POOLS_MAX * len(HORIZONS),
           readings.outlooks(lambda outlook: (((name,), share) for name, share in outlook.committed.items())),
           "Share of the bookable unit-seconds that is booked, from now to the horizon; absent if none is bookable."),
    Metric("alloc_pool_due_units", "gauge", "units", ("pool", "change"), POOLS_MAX * len(Change),
           readings.outlooks(lambda outlook: (((change.value,), units) for change, units in outlook.due.items())),
           "Units that reservations take, or leave, within the next hour."),
    Metric("alloc_pool_largest_free_block_units", "gauge", "units", ("pool",), COMPUTE_POOLS_MAX,
           readings.outlooks(readings.largest_block),
           "Most units free now in one fabric group, rack or node of a compute pool, whichever its nodes name first."),
    Metric("alloc_pool_fragmentation_ratio", "gauge", "ratio", ("pool",), COMPUTE_POOLS_MAX,
           readings.outlooks(readings.fragmented),
           "Free units of a compute pool that the typical demand of the last seven days could not use as they lie, of "
           "those free now, node by node; absent if none is free or none was asked for."),
    Metric("alloc_pool_next_fit_timestamp_seconds", "gauge", "seconds", ("pool", "shape"), POOLS_MAX * len(Shape),
           readings.outlooks(lambda outlook: (((shape.value,), start) for shape, start in outlook.next_fit.items())),
           "Earliest start of a reference shape by room alone: the least, one node, all of it; absent beyond 30 days."),
    Metric("alloc_pool_forecast_units", "gauge", "units", ("pool", "horizon", "quantile_level"),
           POOLS_MAX * len(HORIZONS_HOURS) * len(QUANTILES),
           readings.forecasts(lambda drawn: drawn.units.items()),
           "Units expected to be held, mean up to the horizon, by the same hours of earlier weeks; none before two."),
    Metric("alloc_pool_forecast_error_ratio", "gauge", "ratio", ("pool", "model"), POOLS_MAX * len(Model),
           readings.forecasts(lambda drawn: (((model.value,), off) for model, off in drawn.error.items())),
           "What forecasts of the last week's hours were off by, of what was held; beside two that need no model."),
    Metric("alloc_pool_forecast_pinball_units", "gauge", "units", ("pool", "quantile_level"),
           POOLS_MAX * len(QUANTILES),
           readings.forecasts(lambda drawn: (((name,), loss) for name, loss in drawn.pinball.items())),
           "Pinball loss of the last week's hours: the mean cost of being off, where too low costs more the higher the "
           "quantile."),
    Metric("alloc_unmet_unit_seconds", "gauge", "unit_seconds", ("pool", "reason", "programme"), UNMET_MAX,
           readings.unmet(lambda missing: missing.unit_seconds),
           "Units times seconds asked for and refused within the last day, each distinct demand once."),
    Metric("alloc_unmet_demands", "gauge", "", ("pool", "reason", "programme"), UNMET_MAX,
           readings.unmet(lambda missing: missing.demands),
           "Distinct demands refused within the last day, by what stood in the way of each line."),
    Metric("alloc_unmet_forgotten_total", "counter", "", (), 1,
           readings.one_about(lambda showing: showing.sources.unmet.forgotten),
           "Refusals that are not in these figures: more than fit, or the scheduler could not tell them."),
    Metric("alloc_projection_applied_total", "counter", "", ("projection", "event_type"), len(EVENT_NAMES),
           readings.applied,
           "Events of the log in the figures."),
    Metric("alloc_projection_position", "gauge", "", ("projection",), 1,
           readings.one(PROJECTION, lambda showing: showing.figures.position),
           "The log position that the figures equal."),
    Metric("alloc_projection_timestamp_seconds", "gauge", "seconds", ("projection",), 1,
           readings.one(PROJECTION, lambda showing: showing.figures.now),
           "The log's own time at that position: the moment that the figures are about."),
    Metric("alloc_outlook_position", "gauge", "", (), 1,
           readings.outlooker(lambda drawn: drawn.position),
           "The log position that the figures of what lies ahead equal; they are drawn less often."),
    Metric("alloc_outlook_timestamp_seconds", "gauge", "seconds", (), 1,
           readings.outlooker(lambda drawn: drawn.now),
           "The log's own time at that position: the moment from which they look ahead."),
    Metric("alloc_projection_lag_events", "gauge", "", ("projection",), 1,
           readings.one(PROJECTION, lambda showing: showing.sources.progress.lag_pages),
           "Messages of the log, each a page of events, that are not in the figures yet."),
    Metric("alloc_projection_lag_seconds", "gauge", "seconds", ("projection",), 1,
           readings.one(PROJECTION, lambda showing: showing.sources.progress.lag_seconds(showing.at)),
           "For how long the figures have missed a page, or the log could not be asked; else 0."),
    Metric("alloc_stream_bytes", "gauge", "bytes", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.bytes),
           "Size of a JetStream stream of the centre: its log, or its snapshots."),
    Metric("alloc_stream_limit_bytes", "gauge", "bytes", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.bytes_max),
           "Size that a stream may have: its own limit, or the server's storage."),
    Metric("alloc_stream_messages", "gauge", "", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.messages),
           "Messages in a stream; of the log, its pages."),
    Metric("alloc_stream_consumers", "gauge", "", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.consumers),
           "Readers that follow a stream."),
    Metric("alloc_stream_consumer_lag_messages", "gauge", "messages", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.lag_messages),
           "Messages not yet handed to the reader that lags most."),
    Metric("alloc_stream_waiting_pulls", "gauge", "", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.waiting_pulls),
           "Requests of readers that stand ready for the next message of a stream."),
    Metric("alloc_stream_redelivered_messages", "gauge", "messages", ("stream",), STREAMS_MAX,
           readings.streams(lambda stream: stream.redelivered),
           "Messages of a stream that were handed to the same reader more than once; ours take each once."),
    Metric("alloc_nats_connections", "gauge", "", (), 1,
           readings.server(lambda server: server.connections),
           "Clients connected to nats-server."),
    Metric("alloc_nats_slow_consumers_total", "counter", "", (), 1,
           readings.server(lambda server: server.slow_consumers),
           "Clients that nats-server cut off for being too slow."),
    Metric("alloc_nats_api_errors_total", "counter", "", (), 1,
           readings.server(lambda server: server.api_errors),
           "Requests to JetStream's own interface that it refused."),
    Metric("alloc_side_messages_total", "counter", "", ("stream", "outcome"), 2 * SIDE_STREAMS_MAX,
           readings.sides,
           "Messages of the streams beside the log, taken in or not to be read."),
    Metric("alloc_collector_success", "gauge", "", ("collector",), 5,
           readings.collectors(lambda freshness, _: freshness.working),
           "1 if the background reading worked when it was last tried."),
    Metric("alloc_collector_data_age_seconds", "gauge", "seconds", ("collector",), 5,
           readings.collectors(lambda freshness, at: freshness.age_seconds(at)),
           "Seconds since the background reading last worked."),
    Metric("alloc_label_overflow_total", "counter", "", ("label",), len(OVERFLOW_LABELS),
           readings.overflow,
           "Label values without series of their own, summed under _other."),
    Metric("alloc_build_info", "gauge", "", ("version", "python"), 1,
           readings.build,
           "1; what is running."),
    Metric("alloc_series_limit", "gauge", "", ("metric",), METRICS_MAX,
           readings.extents(lambda extent: extent.limit),
           "Series that a metric may have; together they stay within twenty thousand."),
    Metric("alloc_series_cut", "gauge", "", ("metric",), METRICS_MAX,
           readings.extents(lambda extent: extent.cut),
           "Series that this scrape left out because they were beyond their metric's bound; must stay 0."),
    Metric(SERIES, "gauge", "", ("metric",), METRICS_MAX,
           readings.series,
           "Series of each metric in this scrape."),
)
# fmt: on
