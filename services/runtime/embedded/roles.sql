-- The roles of the ledger, beside its login, which owns the database. A superuser runs this once for a server; then
-- `GRANT aidc_projector, aidc_reader, aidc_auditor TO <the ledger's login> WITH INHERIT FALSE` lets the ledger take them.
DO $$
BEGIN
    -- Writes the books, and can alter nothing of the past. COPY, which it lives by, knows no row-level security.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'aidc_projector') THEN
        CREATE ROLE aidc_projector NOLOGIN BYPASSRLS;
    END IF;
    -- Reads one company's rows, and none until a transaction says whose.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'aidc_reader') THEN
        CREATE ROLE aidc_reader NOLOGIN;
    END IF;
    -- Reads everything.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'aidc_auditor') THEN
        CREATE ROLE aidc_auditor NOLOGIN;
    END IF;
END
$$;
