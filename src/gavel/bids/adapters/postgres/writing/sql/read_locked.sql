-- Run after the locks, as a statement of its own: its clock is read, and its snapshot taken, while no other batch can
-- decide the auctions that are locked. One row for each auction and key known of it, one at least for each auction, and
-- one with nothing but the clock if no auction exists. An auction that is not locked exists: another transaction holds it.
-- The state of an auction is left out if its digest and its end are those that the caller has seen: the digest covers all
-- that this code ever changed, so the caller has that state. End and revision are compared too, because an operator may
-- have changed the row by hand, past the guards, or a process of a release without digests.
WITH known AS MATERIALIZED (
    SELECT k.item_id, k.user_id, k.key, k.request, k.bid_seq
    FROM unnest($2::text::uuid[], $3::text::uuid[], $4::text[]) AS named (item_id, user_id, key)
    JOIN bid_keys k USING (item_id, user_id, key)
)
SELECT clock_timestamp() AS at, a.item_id::text, a.digest,
       a.item_id = ANY ((SELECT current_setting('gavel.locked', true))::uuid[]) AS locked,
       state.*, known.user_id::text AS key_user_id, known.key, known.request, known.bid_seq AS key_bid_seq
FROM (VALUES (1)) AS one
LEFT JOIN (unnest($1::text::uuid[], $5::bytea[], $6::timestamptz[],
                  $7::bigint[]) AS seen (item_id, digest, end_at, revision) JOIN auctions a USING (item_id)) ON true
LEFT JOIN LATERAL (
    SELECT a.seller_id::text, a.currency, a.start_at, a.scheduled_end_at, a.start_price, a.reserve_price, a.buy_now_price,
           a.soft_close_window_seconds, a.soft_close_extension_seconds, a.soft_close_max_extension_seconds, a.increment_fixed,
           a.increment_basis_points, a.end_at, a.price, a.leader_id::text, a.leader_maximum, a.bid_count, a.last_bid_seq,
           a.seq, a.revision, a.cancelled_at, a.closed_at
    WHERE a.item_id IS NOT NULL AND (seen.digest IS NULL OR a.digest IS DISTINCT FROM seen.digest OR a.end_at <> seen.end_at
                                       OR a.revision <> seen.revision)
) AS state ON true
LEFT JOIN known ON known.item_id = a.item_id
