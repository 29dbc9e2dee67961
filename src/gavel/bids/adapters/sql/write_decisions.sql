-- Writes all that a batch decided in one statement: states, bids, rarer events, raised maxima, standings, keys and
-- outbox rows stand or fall together. Numbers, ids and times come as arrays written as text, which the driver passes on
-- as they are; texts come as arrays of their own.
WITH decided AS (
    UPDATE auctions a
    SET price = d.price, leader_id = d.leader_id, leader_maximum = d.leader_maximum, bid_count = d.bid_count,
        last_bid_seq = d.last_bid_seq, seq = d.seq, revision = d.revision, end_at = d.end_at,
        cancelled_at = d.cancelled_at, closed_at = d.closed_at, updated_at = $1
    FROM unnest($2::text::uuid[], $3::text::bigint[], $4::text::uuid[], $5::text::bigint[], $6::text::bigint[], $7::text::bigint[],
                $8::text::bigint[], $9::text::bigint[], $10::text::timestamptz[], $11::text::timestamptz[], $12::text::timestamptz[])
         AS d (item_id, price, leader_id, leader_maximum, bid_count, last_bid_seq, seq, revision, end_at, cancelled_at, closed_at)
    WHERE a.item_id = d.item_id
), placed AS (
    INSERT INTO bids (created_at, item_id, seq, user_id, amount, maximum, automatic, outbid_user_id, bid_count, minimum_next_bid, end_at, traceparent)
    SELECT $1, * FROM unnest($13::text::uuid[], $14::text::bigint[], $15::text::uuid[], $16::text::bigint[], $17::text::bigint[],
                             $18::text::boolean[], $19::text::uuid[], $20::text::bigint[], $21::text::bigint[],
                             $22::text::timestamptz[], $23::text[])
), happened AS (
    INSERT INTO item_events (created_at, item_id, seq, kind, price, leader_id, bid_count, minimum_next_bid, end_at, sold, traceparent)
    SELECT $1, * FROM unnest($24::uuid[], $25::bigint[], $26::text[], $27::bigint[], $28::uuid[], $29::bigint[], $30::bigint[],
                             $31::timestamptz[], $32::boolean[], $33::text[])
), raised AS (
    INSERT INTO maximum_raises (created_at, item_id, revision, user_id, maximum, traceparent)
    SELECT $1, * FROM unnest($34::uuid[], $35::bigint[], $36::uuid[], $37::bigint[], $38::text[])
), stood AS (
    INSERT INTO standings AS s (last_bid_at, item_id, user_id, amount, maximum, bid_count, last_bid_seq)
    SELECT $1, * FROM unnest($39::text::uuid[], $40::text::uuid[], $41::text::bigint[], $42::text::bigint[], $43::text::bigint[],
                             $44::text::bigint[])
    ON CONFLICT (item_id, user_id) DO UPDATE
    SET amount = EXCLUDED.amount, maximum = EXCLUDED.maximum, bid_count = s.bid_count + EXCLUDED.bid_count,
        last_bid_seq = EXCLUDED.last_bid_seq,
        last_bid_at = CASE WHEN EXCLUDED.bid_count > 0 THEN EXCLUDED.last_bid_at ELSE s.last_bid_at END
), named AS (
    INSERT INTO bid_keys (created_at, item_id, user_id, key, request, bid_seq)
    SELECT $1, * FROM unnest($45::uuid[], $46::uuid[], $47::text[], $48::text[], $49::bigint[])
)
INSERT INTO outbox (routing_key, event_count, body)
SELECT * FROM unnest($50::text[], $51::integer[], $52::bytea[])
