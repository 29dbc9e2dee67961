-- One item as it is now, with the clock that its status is told by.
SELECT clock_timestamp() AS at, * FROM items WHERE item_id = $1::uuid
