-- Locks those auctions of a batch that no other transaction holds: it waits for none, so no order is needed. Reads
-- nothing: the next statement, read_locked, sees all that was committed before the locks were held. That statement knows
-- them by the setting, which saves a round trip and ends with the transaction.
SELECT set_config('gavel.locked', coalesce(array_agg(item_id), '{}')::text, true)
FROM (SELECT item_id FROM auctions WHERE item_id = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED) AS free
