-- Least id of an event of a second of Unix time, as the read side's `first_event_id`.
CREATE FUNCTION first_event_id(second bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(second * 1000), 12, '0') || '70008000000000000000')::uuid;

-- One row: until which second of the log the totals are known to be complete, but for the seconds below. It is kept
-- with the totals: a replica that takes over goes on from what it has checked itself.
CREATE TABLE completeness (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    checked_until bigint NOT NULL,
    check_started_at timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO completeness (checked_until) VALUES (extract(epoch FROM clock_timestamp())::bigint);

-- Seconds of the log that were found incomplete, until they are complete: `missing` of `events` were not counted.
CREATE TABLE incomplete_seconds (
    second bigint PRIMARY KEY,
    events bigint NOT NULL,
    missing bigint NOT NULL CHECK (missing BETWEEN 1 AND events),
    requests integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL
);
