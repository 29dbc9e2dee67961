-- What the stats API and the stats worker need of stats_db, and nothing more; a rebuild is the owner's. The second set of
-- tables is counted into during a rebuild, and changes places with the first: both need the same.
-- `service_role` stands for the role; whatever it was granted on tables before is taken back first.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public, rebuild FROM "service_role";
REVOKE ALL ON ALL TABLES IN SCHEMA public, rebuild FROM "service_role";
GRANT USAGE ON SCHEMA public, rebuild TO "service_role";
GRANT SELECT ON schema_migrations, installation TO "service_role";
-- LOCK TABLE takes the right to update the table whole.
GRANT SELECT, UPDATE ON counting TO "service_role";
GRANT SELECT, INSERT, DELETE ON counted_events, rebuild.counted_events TO "service_role";
GRANT SELECT, INSERT ON bid_items, rebuild.bid_items TO "service_role";
GRANT SELECT, INSERT, UPDATE ON user_stats, rebuild.user_stats TO "service_role";
GRANT SELECT, UPDATE ON completeness TO "service_role";
GRANT SELECT, INSERT, UPDATE, DELETE ON incomplete_seconds TO "service_role";
