-- Who may book, what can be booked, and what was granted. `number` is the event that said so.

CREATE TABLE companies (
    company      text   PRIMARY KEY,
    display_name text   NOT NULL,
    programme    text   NOT NULL,
    number       bigint NOT NULL
);

-- The bins of the centre stand in one row, in order of registration: a resource has those from `place` on.
CREATE TABLE resources (
    resource     text    PRIMARY KEY,
    kind         text    NOT NULL,
    unit         text    NOT NULL,
    place        bigint  NOT NULL,
    bins         integer NOT NULL CHECK (bins > 0),
    bin_capacity integer NOT NULL CHECK (bin_capacity > 0),
    number       bigint  NOT NULL
);

CREATE TABLE quotas (
    number               bigint      PRIMARY KEY,
    company              text        NOT NULL,
    meter                text        NOT NULL,
    starts_at            timestamptz NOT NULL,
    ends_at              timestamptz NOT NULL CHECK (ends_at > starts_at),
    unit_seconds         bigint      NOT NULL CHECK (unit_seconds >= 0),
    concurrent_units_max bigint      NOT NULL
);
