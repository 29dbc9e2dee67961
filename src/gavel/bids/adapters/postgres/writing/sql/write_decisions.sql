-- Writes all that a batch decided in one statement: states, bids, rarer events, raised maxima, standings, keys and
-- outbox rows stand or fall together. One array of rows a table, of the types in 0007_row_types.sql.
WITH decided AS (
    UPDATE auctions a
    SET price = d.price, leader_id = d.leader_id, leader_maximum = d.leader_maximum, bid_count = d.bid_count,
        last_bid_seq = d.last_bid_seq, seq = d.seq, revision = d.revision, end_at = d.end_at,
        cancelled_at = d.cancelled_at, closed_at = d.closed_at, digest = d.digest, updated_at = $1
    FROM unnest($2::auction_state[]) AS d
    WHERE a.item_id = d.item_id
), placed AS (
    INSERT INTO bids (created_at, item_id, seq, user_id, amount, maximum, automatic, outbid_user_id, bid_count, minimum_next_bid, end_at,
                      traceparent, digest)
    SELECT $1, * FROM unnest($3::bid_row[])
), happened AS (
    INSERT INTO item_events (created_at, item_id, seq, kind, price, leader_id, bid_count, minimum_next_bid, end_at, sold, traceparent,
                             digest)
    SELECT $1, * FROM unnest($4::item_event_row[])
), raised AS (
    INSERT INTO maximum_raises (created_at, item_id, revision, user_id, maximum, traceparent, seq, digest)
    SELECT $1, * FROM unnest($5::maximum_raise_row[])
), stood AS (
    INSERT INTO standings AS s (last_bid_at, item_id, user_id, amount, maximum, bid_count, last_bid_seq)
    SELECT $1, * FROM unnest($6::standing_row[])
    ON CONFLICT (item_id, user_id) DO UPDATE
    SET amount = EXCLUDED.amount, maximum = EXCLUDED.maximum, bid_count = s.bid_count + EXCLUDED.bid_count,
        last_bid_seq = EXCLUDED.last_bid_seq,
        last_bid_at = CASE WHEN EXCLUDED.bid_count > 0 THEN EXCLUDED.last_bid_at ELSE s.last_bid_at END
), named AS (
    INSERT INTO bid_keys (created_at, item_id, user_id, key, request, bid_seq)
    SELECT $1, * FROM unnest($7::bid_key_row[])
)
INSERT INTO outbox (routing_key, event_count, body)
SELECT * FROM unnest($8::outbox_row[])
