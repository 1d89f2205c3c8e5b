-- What this ledger has signed. It stands outside the schema of the books, because a rebuild must not forget it: what was
-- signed once is held against whatever log comes later.

CREATE SCHEMA IF NOT EXISTS notary;

CREATE TABLE IF NOT EXISTS notary.checkpoints (
    position  bigint      PRIMARY KEY,
    size      bigint      NOT NULL,
    root      bytea       NOT NULL CHECK (length(root) = 32),
    page      text        NOT NULL CHECK (length(page) = 64),
    signed_at timestamptz NOT NULL,
    note      text        NOT NULL
);

CREATE OR REPLACE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notary.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
