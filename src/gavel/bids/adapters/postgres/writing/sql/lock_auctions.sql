-- Locks the auctions of a batch in id order, so that two batches never wait for each other in a circle. Reads nothing:
-- what a row held while its lock was waited for is told by the next statement, which sees all that was committed by then.
SELECT FROM auctions WHERE item_id = ANY ($1::uuid[]) ORDER BY item_id FOR UPDATE
