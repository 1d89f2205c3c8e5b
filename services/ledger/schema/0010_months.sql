-- The journal and its pages, a partition each month, so that old months can be archived and brought back whole.
--
-- Numbers and positions grow with time, so a month is a run of both. The month is that of the page's time, in UTC. The
-- newest partition is open to the right; when a month begins, the one before is closed where it ends.

DROP TABLE journal, pages;

CREATE TABLE pages (
    position bigint      PRIMARY KEY,
    hash     text        NOT NULL,
    writer   text        NOT NULL,
    epoch    bigint      NOT NULL,
    time     timestamptz NOT NULL,
    events   integer     NOT NULL,
    number   bigint      NOT NULL,  -- that of the last event up to here
    data     bytea       NOT NULL
) PARTITION BY RANGE (position);

CREATE TABLE journal (
    number      bigint      PRIMARY KEY,
    position    bigint      NOT NULL,
    entry       integer     NOT NULL,
    index       integer     NOT NULL,
    time        timestamptz NOT NULL,
    actor       text        NOT NULL,
    request_id  text        NOT NULL,
    type        text        NOT NULL,
    company     text        NOT NULL,
    reservation text        NOT NULL,
    payload     json        NOT NULL,  -- to the byte as it stands in the page
    leaf        bytea       NOT NULL CHECK (length(leaf) = 32)
) PARTITION BY RANGE (number);

CREATE INDEX journal_by_reservation ON journal (reservation, number) WHERE reservation <> '';

-- Where each month begins.
CREATE TABLE months (
    month          date   PRIMARY KEY,
    first_position bigint NOT NULL,
    first_number   bigint NOT NULL
);

CREATE TRIGGER pages_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

SELECT confine('journal');
GRANT SELECT, INSERT ON pages, journal TO aidc_projector;
GRANT SELECT ON journal TO aidc_reader;
GRANT SELECT (position, hash, writer, epoch, time, events, number) ON pages TO aidc_reader;
GRANT SELECT ON pages, journal, months TO aidc_auditor;
GRANT SELECT ON months TO aidc_projector, aidc_reader;

-- A partition of its own for what comes from here on; nothing if the month has begun already. Tables are made by their
-- owner, so the projector asks for it; nobody else may. Rights are given on the whole tables, so no partition is
-- anybody's but the owner's.
CREATE FUNCTION begin_month(begun date, begun_position bigint, begun_number bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    fresh text := to_char(begun, 'YYYY_MM');
    last  months;
    old   text;
BEGIN
    SELECT * INTO last FROM months ORDER BY month DESC LIMIT 1;
    IF last.month >= begun THEN
        RETURN;
    END IF;
    IF FOUND THEN
        old := to_char(last.month, 'YYYY_MM');
        EXECUTE format('ALTER TABLE pages DETACH PARTITION pages_%s', old);
        EXECUTE format('ALTER TABLE pages ATTACH PARTITION pages_%s FOR VALUES FROM (%s) TO (%s)',
                       old, last.first_position, begun_position);
        EXECUTE format('ALTER TABLE journal DETACH PARTITION journal_%s', old);
        IF last.first_number = begun_number THEN  -- Pages without a single event.
            EXECUTE format('DROP TABLE journal_%s', old);
        ELSE
            EXECUTE format('ALTER TABLE journal ATTACH PARTITION journal_%s FOR VALUES FROM (%s) TO (%s)',
                           old, last.first_number, begun_number);
        END IF;
    END IF;
    EXECUTE format('CREATE TABLE pages_%s PARTITION OF pages FOR VALUES FROM (%s) TO (MAXVALUE)',
                   fresh, begun_position);
    EXECUTE format('CREATE TABLE journal_%s PARTITION OF journal FOR VALUES FROM (%s) TO (MAXVALUE)',
                   fresh, begun_number);
    -- Compressing the bytes would cost more than all the rest of the row.
    EXECUTE format('ALTER TABLE pages_%s ALTER COLUMN data SET STORAGE EXTERNAL', fresh);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pages_%s
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', fresh);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_%s
                    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', fresh);
    INSERT INTO months VALUES (begun, begun_position, begun_number);
END
$$;

REVOKE EXECUTE ON FUNCTION begin_month FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_month TO aidc_projector;
