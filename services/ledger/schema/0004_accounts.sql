-- Double entry in unit-seconds. A transfer takes from one account what it gives to another, so every event sums to zero
-- by its form; the balances are checked to sum to zero after every write.

CREATE TABLE transfers (
    number       bigint      NOT NULL,
    line         integer     NOT NULL,
    time         timestamptz NOT NULL,
    company      text        NOT NULL,
    reservation  text        NOT NULL,
    resource     text        NOT NULL,
    from_account text        NOT NULL,
    to_account   text        NOT NULL,
    unit_seconds bigint      NOT NULL CHECK (unit_seconds > 0),
    PRIMARY KEY (number, line),
    CHECK (from_account <> to_account)
);

CREATE INDEX transfers_by_company ON transfers (company, time);

CREATE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The counter-account gives what a company has, so it alone stands below zero.
CREATE TABLE balances (
    company      text   NOT NULL,
    resource     text   NOT NULL,
    account      text   NOT NULL CHECK (account IN ('capacity', 'granted', 'held', 'used', 'released')),
    unit_seconds bigint NOT NULL,
    PRIMARY KEY (company, resource, account),
    CONSTRAINT balances_sign CHECK (CASE account WHEN 'capacity' THEN unit_seconds <= 0 ELSE unit_seconds >= 0 END)
);

CREATE FUNCTION refuse_unbalanced_books() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT company, resource, sum(balances.unit_seconds) AS unit_seconds INTO unbalanced
    FROM (SELECT DISTINCT company, resource FROM written) AS touched
    JOIN balances USING (company, resource)
    GROUP BY company, resource
    HAVING sum(balances.unit_seconds) <> 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the accounts of % on % sum to % unit-seconds instead of zero',
            unbalanced.company, unbalanced.resource, unbalanced.unit_seconds
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balances_sum', TABLE = 'balances';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER balances_sum_inserted AFTER INSERT ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_books();

CREATE TRIGGER balances_sum_updated AFTER UPDATE ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_books();
