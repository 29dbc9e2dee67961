-- Counters go side by side; nobody moves the horizon or changes the tables under them until they commit.
LOCK TABLE counting IN SHARE MODE
