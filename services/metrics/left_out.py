"""What operators of such centres ask for and this service does not export, with what each waits for: nothing is a stub.

`deploy/prometheus/README.md` shows the same table to whoever reads the metrics.
"""

LEFT_OUT: dict[str, str] = {
    "alloc_waitlist_requests": 'a waitlist; what waits for approval is `alloc_reservations{state="pending"}`',
    "alloc_waitlist_oldest_age_seconds": "a waitlist; `alloc_pool_next_denial_timestamp_seconds` tells of approvals",
    "alloc_wait_seconds": "a waitlist; bookings start when they ask to, or when an approval says, as histories tell",
    "alloc_share_ratio": "fair shares",
    "alloc_start_delay_seconds": "nothing: reservations begin when they are booked for",
    "alloc_planner_seconds": "an optimiser",
    "alloc_equipment_state": "equipment that reports; what is open, held or out is in `alloc_pool_unavailable_units`",
    "alloc_probe_results_total": "an outside-in probe",
    "alloc_probe_seconds": "an outside-in probe",
    "alloc_idempotent_replays_total": 'nothing: `alloc_reservation_requests_total{outcome="replay"}` counts them',
    "alloc_optimistic_conflicts_total": "nothing: one writer, and a failed append ends it",
    "alloc_event_publish_failures_total": "nothing: one writer, and a failed append ends it",
    "alloc_outbox_oldest_age_seconds": "nothing: a yes leaves after its page is durable, so there is no outbox",
    "alloc_projection_dead_letters_total": "nothing: a reader that meets a poison event stops; TargetDown says so",
}
"""By the name that the metric will have."""
