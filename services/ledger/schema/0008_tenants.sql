-- Who may do what. The login that owns these tables makes and drops them; the roles below do the daily work:
--
--   aidc_projector   adds to the books and moves the checkpoint; what it wrote to an append-only table it cannot change
--   aidc_reader      sees the rows of the company that its transaction names in `aidc.company`, and of nobody else
--   aidc_auditor     sees everything, and changes nothing
--
-- A table that comes later says the same for itself; one with a company column is confined.

CREATE FUNCTION confine(confined regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', confined);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', confined);
    -- What was never set is null, and what was set for a transaction that ended is empty: neither is a company.
    EXECUTE format('CREATE POLICY own_company ON %s FOR SELECT TO aidc_reader
                    USING (company = nullif(current_setting(''aidc.company'', true), ''''))', confined);
    EXECUTE format('CREATE POLICY every_company ON %s FOR SELECT TO aidc_auditor USING (true)', confined);
END
$$;

SELECT confine('journal');
SELECT confine('companies');
SELECT confine('quotas');
SELECT confine('reservations');
SELECT confine('transfers');
SELECT confine('balances');

GRANT SELECT, INSERT ON pages, journal, tree, companies, resources, quotas, transfers TO aidc_projector;
GRANT SELECT, INSERT, UPDATE ON reservations, balances TO aidc_projector;
GRANT SELECT, INSERT, UPDATE (held) ON allocations TO aidc_projector;
GRANT SELECT, UPDATE (position, hash, number, page_time, root) ON checkpoint TO aidc_projector;
GRANT SELECT ON migrations TO aidc_projector, aidc_auditor;

-- The bytes of a page are everybody's, and so are the bins.
GRANT SELECT ON checkpoint, journal, companies, resources, quotas, reservations, transfers, balances TO aidc_reader;
GRANT SELECT (position, hash, writer, epoch, time, events, number) ON pages TO aidc_reader;

GRANT SELECT ON checkpoint, pages, journal, tree, companies, resources, quotas, reservations, allocations, transfers,
    balances TO aidc_auditor;

GRANT USAGE ON SCHEMA notary TO aidc_projector, aidc_auditor;
GRANT SELECT, INSERT ON notary.checkpoints TO aidc_projector;
GRANT SELECT ON notary.checkpoints TO aidc_auditor;

-- What the notary keeps outlives these tables, and so must its guard: it no longer is a function of this schema.
CREATE OR REPLACE FUNCTION notary.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: what was signed stays signed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE OR REPLACE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notary.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION notary.refuse_change();
