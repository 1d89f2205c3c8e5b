-- The chart of accounts: every transfer also in KRW, and every account for each month.

-- It reaches back to the first page, so the ledger folds the log anew (P7).
ALTER TABLE pages     DISABLE TRIGGER pages_append_only;
ALTER TABLE journal   DISABLE TRIGGER journal_append_only;
ALTER TABLE transfers DISABLE TRIGGER transfers_append_only;
ALTER TABLE tree      DISABLE TRIGGER tree_append_only;
TRUNCATE pages, journal, tree, companies, resources, quotas, reservations, allocations, transfers, balances;
ALTER TABLE pages     ENABLE TRIGGER pages_append_only;
ALTER TABLE journal   ENABLE TRIGGER journal_append_only;
ALTER TABLE transfers ENABLE TRIGGER transfers_append_only;
ALTER TABLE tree      ENABLE TRIGGER tree_append_only;
UPDATE checkpoint SET position = 0, hash = repeat('0', 64), number = 0, page_time = 'epoch', root = sha256('');

-- What the yearly report sorts companies by.
ALTER TABLE companies
    ADD COLUMN industry text NOT NULL,
    ADD COLUMN region   text NOT NULL,
    ADD COLUMN stage    text NOT NULL;

-- `units_each` of a resource's units are what people count as one: a thousand thousandths of a GPU.
ALTER TABLE resources
    ADD COLUMN display_name text    NOT NULL,
    ADD COLUMN time_zone    text    NOT NULL,
    ADD COLUMN industry     text    NOT NULL,
    ADD COLUMN units_each   integer NOT NULL CHECK (units_each > 0);

-- A month such as 202603. An entry stands in the books of `period`, and is about the month `about`: an earlier one,
-- where that was closed meanwhile. Nothing is ever posted to a month that is closed: see `refuse_closed_month`.
CREATE DOMAIN month AS integer CHECK (VALUE % 100 BETWEEN 1 AND 12 AND VALUE BETWEEN 197001 AND 209912);

ALTER TABLE transfers
    ADD COLUMN period month  NOT NULL,
    ADD COLUMN about  month  NOT NULL CHECK (about <= period),
    ADD COLUMN krw    bigint NOT NULL CHECK (krw >= 0),
    DROP CONSTRAINT transfers_unit_seconds_check,
    ADD CHECK (unit_seconds >= 0 AND (unit_seconds > 0 OR krw > 0));

DROP INDEX transfers_by_company;
CREATE INDEX transfers_by_company ON transfers (company, period, time);

ALTER TABLE balances
    DROP CONSTRAINT balances_pkey,
    DROP CONSTRAINT balances_account_check,
    DROP CONSTRAINT balances_sign,
    ADD COLUMN period month  NOT NULL,
    ADD COLUMN krw    bigint NOT NULL,
    ADD PRIMARY KEY (company, period, resource, account),
    ADD CONSTRAINT balances_account_check CHECK (
        account IN ('capacity', 'granted', 'held', 'booked', 'used', 'idle',
                    'released', 'refunded', 'penalty', 'compensation', 'preempted')),
    ADD CONSTRAINT balances_sign CHECK (
        CASE account WHEN 'capacity' THEN unit_seconds <= 0 AND krw <= 0 ELSE unit_seconds >= 0 AND krw >= 0 END);

CREATE OR REPLACE FUNCTION refuse_unbalanced_books() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT company, period, resource, sum(balances.unit_seconds) AS unit_seconds, sum(balances.krw) AS krw
    INTO unbalanced
    FROM (SELECT DISTINCT company, period, resource FROM written) AS touched
    JOIN balances USING (company, period, resource)
    GROUP BY company, period, resource
    HAVING sum(balances.unit_seconds) <> 0 OR sum(balances.krw) <> 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the accounts of % on % in % sum to % unit-seconds and % KRW instead of zero',
            unbalanced.company, unbalanced.resource, unbalanced.period, unbalanced.unit_seconds, unbalanced.krw
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balances_sum', TABLE = 'balances';
    END IF;
    RETURN NULL;
END
$$;

-- Everybody may know what things cost, and up to when the books are closed.
CREATE TABLE tariffs (
    number     bigint      PRIMARY KEY,
    tariff     text        NOT NULL UNIQUE,
    valid_from timestamptz NOT NULL
);

CREATE TABLE closings (
    number    bigint      PRIMARY KEY,
    position  bigint      NOT NULL,
    time      timestamptz NOT NULL,
    period    month       NOT NULL UNIQUE,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL CHECK (ends_at > starts_at)
);

CREATE TRIGGER tariffs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tariffs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER closings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The event that closes a month is the last one that may post to it.
CREATE FUNCTION refuse_closed_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    late record;
BEGIN
    SELECT added.number, added.company, added.period INTO late
    FROM added
    JOIN closings ON closings.period >= added.period AND closings.number < added.number
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'event % posts to % of %, which is closed', late.number, late.period, late.company
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transfers_closed_month', TABLE = 'transfers';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER transfers_closed_month AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_month();

GRANT SELECT, INSERT ON tariffs, closings TO aidc_projector;
GRANT SELECT ON tariffs, closings TO aidc_reader, aidc_auditor;
