-- Counters share this lock; until they commit, the horizon and the tables stay as they are.
LOCK TABLE counting IN SHARE MODE
