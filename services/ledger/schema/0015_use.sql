-- What nodes reported of each reservation, as the log records it: unit-seconds whose use is known, those of work, and those
-- in which next to nothing was done. What no agent reported is in no row: it is unknown, not idle.

CREATE TABLE measured_use (
    number      bigint      NOT NULL,  -- the event that says so
    reservation text        NOT NULL,
    company     text        NOT NULL,
    resource    text        NOT NULL,
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL CHECK (until >= since),
    measured    bigint      NOT NULL CHECK (measured >= 0),
    busy        bigint      NOT NULL CHECK (busy BETWEEN 0 AND measured),
    idle        bigint      NOT NULL CHECK (idle BETWEEN 0 AND measured),
    PRIMARY KEY (number, resource)
);

CREATE INDEX measured_use_by_reservation ON measured_use (reservation);

-- Used against idle, a reservation and resource.
CREATE VIEW reservation_use WITH (security_invoker = true) AS
SELECT reservation, company, resource,
       min(since) AS since, max(until) AS until,
       sum(measured)::bigint AS measured, sum(busy)::bigint AS busy, sum(idle)::bigint AS idle
FROM measured_use
GROUP BY reservation, company, resource;

SELECT confine('measured_use');

GRANT SELECT, INSERT ON measured_use TO aidc_projector;
GRANT SELECT ON measured_use, reservation_use TO aidc_reader, aidc_auditor;
