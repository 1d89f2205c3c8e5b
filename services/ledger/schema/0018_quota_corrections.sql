-- What a review takes of a quota, and what an operator corrects of one, is about the month in which the quota begins. Where
-- that is closed it stands in the open month, whose books may then have less than nothing granted: only over all months
-- together can nobody lose more hours than were granted. What they are worth follows the rate card of the day.

ALTER TABLE balances
    DROP CONSTRAINT balances_sign,
    ADD CONSTRAINT balances_sign CHECK (
        CASE WHEN resource = 'corrections' THEN unit_seconds = 0 AND account IN ('capacity', 'compensation')
             ELSE account IN ('capacity', 'granted') OR (unit_seconds >= 0 AND krw >= 0) END);

CREATE FUNCTION refuse_overdrawn_grants() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    overdrawn record;
BEGIN
    SELECT company, resource, sum(balances.unit_seconds) AS unit_seconds INTO overdrawn
    FROM (SELECT DISTINCT company, resource FROM written WHERE account = 'granted') AS touched
    JOIN balances USING (company, resource)
    WHERE balances.account = 'granted'
    GROUP BY company, resource
    HAVING sum(balances.unit_seconds) < 0
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the grants of % on % come to % unit-seconds',
            overdrawn.company, overdrawn.resource, overdrawn.unit_seconds
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balances_granted', TABLE = 'balances';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER balances_granted_inserted AFTER INSERT ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdrawn_grants();

CREATE TRIGGER balances_granted_updated AFTER UPDATE ON balances
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdrawn_grants();
