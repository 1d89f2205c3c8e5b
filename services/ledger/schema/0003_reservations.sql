-- Reservations as they stand, and who held which bins: the last guard against double booking (P1).
--
-- `held` says from which decision to which a row was true, open-ended while it still is; a decision goes by the number
-- of its first event. So the guards below hold at every prefix of the log, not only where a batch happened to end.

CREATE TABLE reservations (
    reservation      text        PRIMARY KEY,
    company          text        NOT NULL,
    state            text        NOT NULL CHECK (state IN ('confirmed', 'active', 'completed', 'cancelled')),
    starts_at        timestamptz NOT NULL,
    ends_at          timestamptz NOT NULL CHECK (ends_at >= starts_at),
    note             text        NOT NULL,
    confirmed_number bigint      NOT NULL,
    allocated_number bigint      NOT NULL,  -- the event that named the bins
    changed_number   bigint      NOT NULL
);

-- One row a run of whole bins, and one a bin where bins can be shared. `place` is the first bin's place in the centre.
CREATE TABLE allocations (
    number       bigint      NOT NULL,  -- the event that named the bins
    reservation  text        NOT NULL,
    resource     text        NOT NULL,
    place        bigint      NOT NULL,
    bins         integer     NOT NULL CHECK (bins > 0),
    amount       integer     NOT NULL CHECK (amount > 0),  -- units of each bin
    bin_capacity integer     NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (ends_at > starts_at),
    held         int8range   NOT NULL CHECK (NOT isempty(held)),
    CHECK (amount <= bin_capacity),
    CHECK (bins = 1 OR bin_capacity = 1)
);

CREATE INDEX allocations_by_number ON allocations (number);

-- The rectangle of bins and seconds. Boxes that only touch would overlap, so it stops half a step short. A box in an
-- R-tree is checked in 9 us a row; two ranges in one GiST index take 20, a name and two ranges 30.
CREATE FUNCTION footprint(place bigint, bins integer, starts_at timestamptz, ends_at timestamptz) RETURNS box
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN box(
        point(place, date_part('epoch', starts_at AT TIME ZONE 'UTC')),
        point(place + bins - 0.5, date_part('epoch', ends_at AT TIME ZONE 'UTC') - 0.5));

-- A whole bin has one holder.
ALTER TABLE allocations ADD CONSTRAINT allocations_overlap
    EXCLUDE USING gist (footprint(place, bins, starts_at, ends_at) WITH &&, held WITH &&) WHERE (bin_capacity = 1);

-- The holders of a shared bin never exceed it.
CREATE INDEX allocations_shared ON allocations
    USING gist (footprint(place, bins, starts_at, ends_at), held) WHERE (bin_capacity > 1);

-- The first sum counts all that overlap at any time, which is enough for nearly every row; only where it is too much
-- is the peak sought: it lies at the row's own start or at that of another holder.
CREATE FUNCTION refuse_overfull_bins() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    overfull record;
BEGIN
    SELECT added.reservation, added.resource, added.place INTO overfull
    FROM added
    WHERE added.bin_capacity > 1
      AND added.bin_capacity < (
          SELECT sum(other.amount) FROM allocations AS other
          WHERE other.bin_capacity > 1
            AND footprint(other.place, other.bins, other.starts_at, other.ends_at)
                && footprint(added.place, added.bins, added.starts_at, added.ends_at)
            AND other.held && int8range(lower(added.held), lower(added.held), '[]'))
      AND added.bin_capacity < (
          SELECT max(peak.amount)
          FROM (
              SELECT DISTINCT greatest(rival.starts_at, added.starts_at) AS at FROM allocations AS rival
              WHERE rival.bin_capacity > 1
                AND footprint(rival.place, rival.bins, rival.starts_at, rival.ends_at)
                    && footprint(added.place, added.bins, added.starts_at, added.ends_at)
                AND rival.held && int8range(lower(added.held), lower(added.held), '[]')
          ) AS instant
          CROSS JOIN LATERAL (
              SELECT sum(other.amount) AS amount FROM allocations AS other
              WHERE other.bin_capacity > 1
                AND footprint(other.place, other.bins, other.starts_at, other.ends_at)
                    && footprint(added.place, added.bins, instant.at, instant.at + interval '1 second')
                AND other.held && int8range(lower(added.held), lower(added.held), '[]')
          ) AS peak)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'reservation % overfills bin % of %', overfull.reservation, overfull.place, overfull.resource
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'allocations_overfull', TABLE = 'allocations';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER allocations_overfull AFTER INSERT ON allocations
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_overfull_bins();
