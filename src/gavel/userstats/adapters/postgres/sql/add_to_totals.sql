-- Adds to each user's totals; times and the highest bid never move back. $1 is sorted, one row a user.
-- A sum of amounts stops at the greatest number that the contract can carry, in whatever order they come.
INSERT INTO user_stats AS held (
    user_id, total_bids, total_amount, last_updated_at, last_bid_at, highest_bid,
    items_bid_on, items_won, amount_won, items_sold, amount_sold
)
SELECT * FROM unnest(
    $1::text::uuid[], $2::text::bigint[], $3::text::bigint[], $4::text::timestamptz[], $5::text::timestamptz[],
    $6::text::bigint[], $7::text::bigint[], $8::text::bigint[], $9::text::bigint[], $10::text::bigint[], $11::text::bigint[]
)
ON CONFLICT (user_id) DO UPDATE SET
    total_bids = held.total_bids + excluded.total_bids,
    total_amount = least(held.total_amount::numeric + excluded.total_amount, 9223372036854775807)::bigint,
    last_updated_at = greatest(held.last_updated_at, excluded.last_updated_at),
    last_bid_at = greatest(held.last_bid_at, excluded.last_bid_at),
    highest_bid = greatest(held.highest_bid, excluded.highest_bid),
    items_bid_on = held.items_bid_on + excluded.items_bid_on,
    items_won = held.items_won + excluded.items_won,
    amount_won = least(held.amount_won::numeric + excluded.amount_won, 9223372036854775807)::bigint,
    items_sold = held.items_sold + excluded.items_sold,
    amount_sold = least(held.amount_sold::numeric + excluded.amount_sold, 9223372036854775807)::bigint
