-- Waits until no transaction counts, and keeps them out until this one commits. Readers are not held up.
LOCK TABLE counting IN EXCLUSIVE MODE
