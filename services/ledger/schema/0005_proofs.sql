-- What proofs are made of: every page's exact bytes, every event's leaf hash, and the tree of RFC 9162 above the leaves.

-- All of it reaches back to the first page, so the ledger folds the log anew (P7).
ALTER TABLE pages     DISABLE TRIGGER pages_append_only;
ALTER TABLE journal   DISABLE TRIGGER journal_append_only;
ALTER TABLE transfers DISABLE TRIGGER transfers_append_only;
TRUNCATE pages, journal, companies, resources, quotas, reservations, allocations, transfers, balances;
ALTER TABLE pages     ENABLE TRIGGER pages_append_only;
ALTER TABLE journal   ENABLE TRIGGER journal_append_only;
ALTER TABLE transfers ENABLE TRIGGER transfers_append_only;

-- The root of the tree at the checkpoint; of no leaves to begin with.
ALTER TABLE checkpoint ADD COLUMN root bytea NOT NULL DEFAULT sha256('') CHECK (length(root) = 32);
UPDATE checkpoint SET position = 0, hash = repeat('0', 64), number = 0, page_time = 'epoch';

-- `number` is that of the last event up to here. Compressing the bytes would cost more than all the rest of the row.
ALTER TABLE pages
    ADD COLUMN number bigint NOT NULL,
    ADD COLUMN data   bytea  NOT NULL;
ALTER TABLE pages ALTER COLUMN data SET STORAGE EXTERNAL;

ALTER TABLE journal ADD COLUMN leaf bytea NOT NULL CHECK (length(leaf) = 32);

-- Complete subtrees: the leaves from index << level on, 1 << level of them. Levels below 4 follow from the journal.
CREATE TABLE tree (
    level smallint NOT NULL CHECK (level >= 4),
    index bigint   NOT NULL CHECK (index >= 0),
    hash  bytea    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, index)
);

CREATE TRIGGER tree_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
