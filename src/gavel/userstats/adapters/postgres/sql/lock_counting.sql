-- Waits until no transaction counts, and blocks counting until this one commits. Readers are not blocked.
LOCK TABLE counting IN EXCLUSIVE MODE
