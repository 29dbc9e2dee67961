-- Directs statements to the second set of tables until the end of the transaction.
SET LOCAL search_path TO rebuild
