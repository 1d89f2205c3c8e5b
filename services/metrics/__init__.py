"""The metrics service: the log, folded into figures and shown to Prometheus.

`usage` folds events into figures, `availability` says what cannot be booked at a moment, `catalogue` names every metric
and renders the figures, `progress` says how far behind the log they are, and `app` wires these together.
"""
