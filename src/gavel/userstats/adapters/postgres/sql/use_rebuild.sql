-- Until the end of the transaction, statements mean the second set of tables.
SET LOCAL search_path TO rebuild
