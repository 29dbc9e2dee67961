-- What the bid API and the bid worker need of bid_db, and nothing more. Both run a lane, so one role is theirs: it adds to
-- the log and can't rewrite it, moves an auction on and can't touch its terms, and makes, alters and drops nothing.
-- `service_role` stands for the role; whatever it was granted on tables before is taken back first.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM "service_role";
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "service_role";
GRANT USAGE ON SCHEMA public TO "service_role";
GRANT SELECT ON schema_migrations, installation, items, item_entries, auctions, listings, standings, bids, item_events, bid_keys, item_keys,
             outbox, open_auction_counts TO "service_role";
GRANT INSERT ON auctions, listings, standings, bids, item_events, maximum_raises, listing_changes, bid_keys, item_keys,
             outbox TO "service_role";
GRANT UPDATE (category, updated_at, end_at, price, leader_id, leader_maximum, bid_count, last_bid_seq, seq, revision, cancelled_at,
              closed_at, digest, started) ON auctions TO "service_role";
GRANT UPDATE (title, description, images) ON listings TO "service_role";
GRANT UPDATE (amount, maximum, bid_count, last_bid_seq, last_bid_at) ON standings TO "service_role";
GRANT DELETE ON outbox TO "service_role";
-- Of keys whose auction was over 30 days ago, as their guard sees to.
GRANT DELETE ON bid_keys, item_keys TO "service_role";
GRANT UPDATE (keys_pruned_until) ON installation TO "service_role";
-- To lock a row takes the right to update a column: of this one, which is always generated, no update changes anything.
GRANT UPDATE (id) ON outbox TO "service_role";
