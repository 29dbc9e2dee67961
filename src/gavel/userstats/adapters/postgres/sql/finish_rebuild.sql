-- Swaps the two sets of tables and empties the old one, atomically at the commit; under lock_counting.sql. The new totals
-- have all that was committed before the rebuild began: nothing noted as missing is, nor what is too old to be checked.
DO $$
BEGIN
    CREATE SCHEMA retired;
    ALTER TABLE counted_events SET SCHEMA retired;
    ALTER TABLE bid_items SET SCHEMA retired;
    ALTER TABLE user_stats SET SCHEMA retired;
    ALTER TABLE rebuild.counted_events SET SCHEMA public;
    ALTER TABLE rebuild.bid_items SET SCHEMA public;
    ALTER TABLE rebuild.user_stats SET SCHEMA public;
    ALTER TABLE retired.counted_events SET SCHEMA rebuild;
    ALTER TABLE retired.bid_items SET SCHEMA rebuild;
    ALTER TABLE retired.user_stats SET SCHEMA rebuild;
    DROP SCHEMA retired;
    TRUNCATE rebuild.counted_events, rebuild.bid_items, rebuild.user_stats;
    UPDATE counting SET rebuilding = false;
    DELETE FROM incomplete_seconds;
    UPDATE completeness
    SET checked_until = greatest(checked_until, (SELECT ceil(extract(epoch FROM forgotten_before))::bigint + 3600 FROM counting));
END
$$
