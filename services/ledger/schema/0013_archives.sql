-- Months whose pages and events lie in an archive: a folder of files with their proofs (services/ledger/archives).
--
-- Of such a month no page is here, and of the journal only what is needed to go on: registrations, the events of what was
-- live when the month left, and the few leaves that proofs of its neighbours need. Whoever reads the past asks here
-- first, so that nobody takes what is left for all there is (`archived.py`).
CREATE TABLE archived (
    month          date        PRIMARY KEY,
    first_position bigint      NOT NULL,
    last_position  bigint      NOT NULL,
    first_number   bigint      NOT NULL,
    last_number    bigint      NOT NULL,
    last_hash      text        NOT NULL CHECK (length(last_hash) = 64),  -- of the month's last page
    manifest       text        NOT NULL CHECK (length(manifest) = 64),   -- SHA-256 of what was signed about the files
    archived_at    timestamptz NOT NULL DEFAULT now(),
    folder         text        NOT NULL
);

-- Where an operator's files lie is no company's business.
GRANT SELECT (month, first_position, last_position, first_number, last_number, last_hash, archived_at)
    ON archived TO aidc_reader;
GRANT SELECT ON archived TO aidc_projector, aidc_auditor;
