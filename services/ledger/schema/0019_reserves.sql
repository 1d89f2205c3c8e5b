-- The reserves of the programmes: what reviews take back goes there, and operators give some of it to other companies of
-- the programme. Each company's account is what it gave less what it got, in hours alone; the accounts of all companies
-- of a programme together are its reserve, and never come to less than nothing.

ALTER TABLE balances
    DROP CONSTRAINT balances_account_check,
    ADD CONSTRAINT balances_account_check CHECK (
        account IN ('capacity', 'granted', 'reserve', 'held', 'booked', 'used', 'idle',
                    'released', 'refunded', 'penalty', 'compensation', 'preempted')),
    DROP CONSTRAINT balances_sign,
    ADD CONSTRAINT balances_sign CHECK (
        CASE WHEN resource = 'corrections' THEN unit_seconds = 0 AND account IN ('capacity', 'compensation')
             WHEN account = 'reserve' THEN krw = 0
             ELSE account IN ('capacity', 'granted') OR (unit_seconds >= 0 AND krw >= 0) END);

CREATE FUNCTION refuse_overdrawn_reserves() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    overdrawn record;
BEGIN
    SELECT programme, resource, sum(balances.unit_seconds) AS unit_seconds INTO overdrawn
    FROM (
        SELECT DISTINCT companies.programme, written.resource
        FROM written JOIN companies USING (company)
        WHERE written.account = 'reserve'
    ) AS touched
    JOIN companies USING (programme)
    JOIN balances USING (company, resource)
    WHERE balances.account = 'reserve'
    GROUP BY programme, resource
    HAVING sum(balances.unit_seconds) < 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the reserve of % on % comes to % unit-seconds',
            overdrawn.programme, overdrawn.resource, overdrawn.unit_seconds
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balances_reserve', TABLE = 'balances';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER balances_reserve_inserted AFTER INSERT ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdrawn_reserves();

CREATE TRIGGER balances_reserve_updated AFTER UPDATE ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdrawn_reserves();
