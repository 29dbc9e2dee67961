-- Whether an auction has started: noted by the bid worker within a second of its start, because no index can ask the clock.
-- Nothing is decided by it. Rows that exist count as started without being rewritten; those of a process of the release
-- before, which does not know the column, are noted like scheduled ones.
ALTER TABLE auctions ADD COLUMN started boolean NOT NULL DEFAULT true;
ALTER TABLE auctions ALTER COLUMN started SET DEFAULT false;
