-- Fees for what was given back late, as each event leaves them: `number` is that event, and `fee` the one that charged it.
-- It names its own position and place, for who booked the time again is nobody's business but that somebody did (P8).

CREATE TABLE late_fees (
    number       bigint      NOT NULL,
    fee          bigint      NOT NULL CHECK (fee <= number),
    company      text        NOT NULL,
    reservation  text        NOT NULL,
    resource     text        NOT NULL,
    about        month       NOT NULL,
    position     bigint      NOT NULL,
    index        integer     NOT NULL,
    time         timestamptz NOT NULL,
    tariff       integer     NOT NULL,  -- its place among those published
    krw          bigint      NOT NULL CHECK (krw >= 0),  -- may still be returned
    returned_krw bigint      NOT NULL CHECK (returned_krw >= 0),  -- is returned by this event
    unbooked     jsonb       NOT NULL,  -- what nobody has booked again: start and end in seconds, and units
    ends_at      timestamptz NOT NULL,
    PRIMARY KEY (number, fee, resource, about)
);

CREATE INDEX late_fees_by_reservation ON late_fees (reservation, number);

CREATE TRIGGER late_fees_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON late_fees
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

SELECT confine('late_fees');

GRANT SELECT, INSERT ON late_fees TO aidc_projector;
GRANT SELECT ON late_fees TO aidc_reader, aidc_auditor;
