-- Writes all that a batch decided in one statement: states, bids, rarer events, raised maxima, standings, keys and
-- outbox rows stand or fall together. Numbers, ids and times come as arrays written as text, which the driver passes on
-- as they are; texts and digests come as arrays of their own.
WITH decided AS (
    UPDATE auctions a
    SET price = d.price, leader_id = d.leader_id, leader_maximum = d.leader_maximum, bid_count = d.bid_count,
        last_bid_seq = d.last_bid_seq, seq = d.seq, revision = d.revision, end_at = d.end_at,
        cancelled_at = d.cancelled_at, closed_at = d.closed_at, digest = d.digest, updated_at = $1
    FROM unnest($2::text::uuid[], $3::text::bigint[], $4::text::uuid[], $5::text::bigint[], $6::text::bigint[], $7::text::bigint[],
                $8::text::bigint[], $9::text::bigint[], $10::text::timestamptz[], $11::text::timestamptz[], $12::text::timestamptz[],
                $13::bytea[])
         AS d (item_id, price, leader_id, leader_maximum, bid_count, last_bid_seq, seq, revision, end_at, cancelled_at, closed_at, digest)
    WHERE a.item_id = d.item_id
), placed AS (
    INSERT INTO bids (created_at, item_id, seq, user_id, amount, maximum, automatic, outbid_user_id, bid_count, minimum_next_bid, end_at,
                      traceparent, digest)
    SELECT $1, * FROM unnest($14::text::uuid[], $15::text::bigint[], $16::text::uuid[], $17::text::bigint[], $18::text::bigint[],
                             $19::text::boolean[], $20::text::uuid[], $21::text::bigint[], $22::text::bigint[],
                             $23::text::timestamptz[], $24::text[], $25::bytea[])
), happened AS (
    INSERT INTO item_events (created_at, item_id, seq, kind, price, leader_id, bid_count, minimum_next_bid, end_at, sold, traceparent,
                             digest)
    SELECT $1, * FROM unnest($26::uuid[], $27::bigint[], $28::text[], $29::bigint[], $30::uuid[], $31::bigint[], $32::bigint[],
                             $33::timestamptz[], $34::boolean[], $35::text[], $36::bytea[])
), raised AS (
    INSERT INTO maximum_raises (created_at, item_id, revision, user_id, maximum, traceparent, seq, digest)
    SELECT $1, * FROM unnest($37::uuid[], $38::bigint[], $39::uuid[], $40::bigint[], $41::text[], $42::bigint[], $43::bytea[])
), stood AS (
    INSERT INTO standings AS s (last_bid_at, item_id, user_id, amount, maximum, bid_count, last_bid_seq)
    SELECT $1, * FROM unnest($44::text::uuid[], $45::text::uuid[], $46::text::bigint[], $47::text::bigint[], $48::text::bigint[],
                             $49::text::bigint[])
    ON CONFLICT (item_id, user_id) DO UPDATE
    SET amount = EXCLUDED.amount, maximum = EXCLUDED.maximum, bid_count = s.bid_count + EXCLUDED.bid_count,
        last_bid_seq = EXCLUDED.last_bid_seq,
        last_bid_at = CASE WHEN EXCLUDED.bid_count > 0 THEN EXCLUDED.last_bid_at ELSE s.last_bid_at END
), named AS (
    INSERT INTO bid_keys (created_at, item_id, user_id, key, request, bid_seq)
    SELECT $1, * FROM unnest($50::uuid[], $51::uuid[], $52::text[], $53::text[], $54::bigint[])
)
INSERT INTO outbox (routing_key, event_count, body)
SELECT * FROM unnest($55::text[], $56::integer[], $57::bytea[])
