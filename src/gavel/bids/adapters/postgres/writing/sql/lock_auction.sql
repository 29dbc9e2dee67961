-- Waits for one auction that another transaction holds, and locks it. As in lock_free_auctions, the next statement knows
-- it by the setting.
SELECT set_config('gavel.locked', coalesce(array_agg(item_id), '{}')::text, true)
FROM (SELECT item_id FROM auctions WHERE item_id = ANY ($1::uuid[]) FOR UPDATE) AS waited_for
