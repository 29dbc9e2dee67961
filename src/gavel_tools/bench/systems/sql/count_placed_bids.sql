-- The bids that were accepted.
SELECT coalesce(sum(bid_count), 0)::bigint FROM auctions
