-- Which support officer of the centre may act for which company, and when. The last row about the two of them holds; that
-- of a dismissal is of no time at all.

CREATE TABLE officers (
    number    bigint      PRIMARY KEY,  -- the event that says so
    company   text        NOT NULL,
    officer   text        NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL CHECK (ends_at >= starts_at)
);

CREATE INDEX officers_by_company ON officers (company, officer, number);

SELECT confine('officers');

GRANT SELECT, INSERT ON officers TO aidc_projector;
GRANT SELECT ON officers TO aidc_reader, aidc_auditor;
