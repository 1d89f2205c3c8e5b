-- What would double-book is refused by a check of the new rows, and no longer by an exclusion constraint. That one also
-- looked whenever a row ended, which can only make room, and needed `held` in its index: so every end was a new entry
-- in three indexes. Now no index knows `held`, and an end is written on the row's own page.

-- A row leaves the guards once it ended before its time: else whoever books and cancels one hour again and again would
-- make all that look there slow. What ended at its time lies where nobody looks any more.
ALTER TABLE allocations
    DROP CONSTRAINT allocations_overlap,
    ADD COLUMN guarded boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT allocations_guarded CHECK (guarded OR NOT upper_inf(held)),
    SET (fillfactor = 70);

DROP INDEX allocations_shared;

CREATE INDEX allocations_footprint ON allocations
    USING gist (footprint(place, bins, starts_at, ends_at)) WHERE (guarded);

GRANT UPDATE (guarded) ON allocations TO aidc_projector;

-- The guards look at what comes. So what is there can only become less.
CREATE FUNCTION refuse_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reservation % cannot be made to hold its bins longer', NEW.reservation
        USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'allocations_only_end', TABLE = 'allocations';
END
$$;

CREATE TRIGGER allocations_only_end BEFORE UPDATE ON allocations
    FOR EACH ROW WHEN (NOT NEW.held <@ OLD.held OR (NEW.guarded AND NOT OLD.guarded)) EXECUTE FUNCTION refuse_more();

-- A whole bin has one holder: whoever comes finds nobody there but itself.
CREATE FUNCTION refuse_overlap() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off
AS $$
DECLARE
    second record;
BEGIN
    SELECT added.reservation, added.resource, added.place INTO second
    FROM added
    WHERE added.bin_capacity = 1
      AND 1 < (
          SELECT count(*) FROM allocations AS other
          WHERE other.guarded
            AND footprint(other.place, other.bins, other.starts_at, other.ends_at)
                && footprint(added.place, added.bins, added.starts_at, added.ends_at)
            AND other.held && added.held)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'reservation % takes what another holds, bin % of % or one of those after it',
            second.reservation, second.place, second.resource
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'allocations_overlap', TABLE = 'allocations';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER allocations_overlap AFTER INSERT ON allocations
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_overlap();

-- As in 0003, by the index that is there now.
CREATE OR REPLACE FUNCTION refuse_overfull_bins() RETURNS trigger LANGUAGE plpgsql
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
          WHERE other.guarded
            AND footprint(other.place, other.bins, other.starts_at, other.ends_at)
                && footprint(added.place, added.bins, added.starts_at, added.ends_at)
            AND other.held && int8range(lower(added.held), lower(added.held), '[]'))
      AND added.bin_capacity < (
          SELECT max(peak.amount)
          FROM (
              SELECT DISTINCT greatest(rival.starts_at, added.starts_at) AS at FROM allocations AS rival
              WHERE rival.guarded
                AND footprint(rival.place, rival.bins, rival.starts_at, rival.ends_at)
                    && footprint(added.place, added.bins, added.starts_at, added.ends_at)
                AND rival.held && int8range(lower(added.held), lower(added.held), '[]')
          ) AS instant
          CROSS JOIN LATERAL (
              SELECT sum(other.amount) AS amount FROM allocations AS other
              WHERE other.guarded
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
