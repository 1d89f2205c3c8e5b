-- The log as it came, and how far the ledger has taken it. Nothing here is ever changed but the checkpoint.

CREATE TABLE checkpoint (
    projection text        PRIMARY KEY,
    position   bigint      NOT NULL CHECK (position >= 0),
    hash       text        NOT NULL CHECK (length(hash) = 64),
    number     bigint      NOT NULL CHECK (number >= 0),  -- events taken, all pages together
    page_time  timestamptz NOT NULL
);

INSERT INTO checkpoint VALUES ('ledger', 0, repeat('0', 64), 0, 'epoch');

CREATE TABLE pages (
    position bigint      PRIMARY KEY,
    hash     text        NOT NULL,
    writer   text        NOT NULL,
    epoch    bigint      NOT NULL,
    time     timestamptz NOT NULL,
    events   integer     NOT NULL
);

-- `number` counts events from 1 without gaps, in the order (position, entry, index).
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
    payload     jsonb       NOT NULL
);

CREATE INDEX journal_by_reservation ON journal (reservation, number) WHERE reservation <> '';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: rebuild the ledger from the log instead', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER pages_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pages
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
