-- The items as lists show them: without the description, and with the first image alone. A seller may write 200 KB of
-- texts for an item, and a page of a hundred such items would be 20 MB.
CREATE VIEW item_entries AS
SELECT a.item_id, a.seller_id, a.currency, a.category, a.created_at, a.updated_at, a.start_at, a.scheduled_end_at, a.end_at, a.start_price,
       a.reserve_price, a.buy_now_price, a.soft_close_window_seconds, a.soft_close_extension_seconds,
       a.soft_close_max_extension_seconds, a.increment_fixed, a.increment_basis_points, a.price, a.leader_id, a.leader_maximum,
       a.bid_count, a.last_bid_seq, a.seq, a.revision, a.cancelled_at, a.closed_at, l.title, '' AS description, l.images[1:1] AS images
FROM auctions a
JOIN listings l USING (item_id);
