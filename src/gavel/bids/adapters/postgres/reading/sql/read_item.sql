-- One item as it is now, with the clock that decides its status.
SELECT clock_timestamp() AS at, * FROM items WHERE item_id = $1::uuid
