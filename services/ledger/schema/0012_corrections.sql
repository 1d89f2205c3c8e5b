-- An operator's correction is about no resource, and may be for the company or against it.

ALTER TABLE balances
    DROP CONSTRAINT balances_sign,
    ADD CONSTRAINT balances_sign CHECK (
        CASE WHEN resource = 'corrections' THEN unit_seconds = 0 AND account IN ('capacity', 'compensation')
             WHEN account = 'capacity' THEN unit_seconds <= 0 AND krw <= 0
             ELSE unit_seconds >= 0 AND krw >= 0 END);
