-- Writes all that a batch decided in one statement: states, bids, rarer events, raised maxima, keys and outbox rows
-- stand or fall together.
WITH decided AS (
    UPDATE auctions a
    SET price = d.price, leader_id = d.leader_id, leader_maximum = d.leader_maximum, bid_count = d.bid_count,
        last_bid_seq = d.last_bid_seq, seq = d.seq, revision = d.revision, end_at = d.end_at,
        cancelled_at = d.cancelled_at, closed_at = d.closed_at, updated_at = $1
    FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                $10::timestamptz[], $11::timestamptz[], $12::timestamptz[])
         AS d (item_id, price, leader_id, leader_maximum, bid_count, last_bid_seq, seq, revision, end_at, cancelled_at, closed_at)
    WHERE a.item_id = d.item_id
), placed AS (
    INSERT INTO bids (created_at, item_id, seq, user_id, amount, maximum, automatic, outbid_user_id, bid_count, minimum_next_bid, end_at, traceparent)
    SELECT $1, * FROM unnest($13::uuid[], $14::bigint[], $15::uuid[], $16::bigint[], $17::bigint[], $18::boolean[], $19::uuid[], $20::bigint[],
                             $21::bigint[], $22::timestamptz[], $23::text[])
), happened AS (
    INSERT INTO item_events (created_at, item_id, seq, kind, price, leader_id, bid_count, minimum_next_bid, end_at, sold, traceparent)
    SELECT $1, * FROM unnest($24::uuid[], $25::bigint[], $26::text[], $27::bigint[], $28::uuid[], $29::bigint[], $30::bigint[],
                             $31::timestamptz[], $32::boolean[], $33::text[])
), raised AS (
    INSERT INTO maximum_raises (created_at, item_id, revision, user_id, maximum, traceparent)
    SELECT $1, * FROM unnest($34::uuid[], $35::bigint[], $36::uuid[], $37::bigint[], $38::text[])
), named AS (
    INSERT INTO bid_keys (created_at, item_id, user_id, key, request, bid_seq)
    SELECT $1, * FROM unnest($39::uuid[], $40::uuid[], $41::text[], $42::text[], $43::bigint[])
)
INSERT INTO outbox (routing_key, event_count, body)
SELECT * FROM unnest($44::text[], $45::integer[], $46::bytea[])
