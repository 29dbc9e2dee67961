-- A chain over each item's log: a row's digest covers the row and the digest before it, so that no row can be changed,
-- taken out or put in alone. `auctions.digest` is the last of the item's log. Rows of before this migration have none,
-- and so have those of a process that is still older: `gavel audit verify` counts the ones and names the others.
ALTER TABLE auctions ADD COLUMN digest bytea;
ALTER TABLE bids ADD COLUMN digest bytea;
ALTER TABLE item_events ADD COLUMN digest bytea;
-- A change without an event has its place in the chain after the event of this seq, by its revision.
ALTER TABLE maximum_raises ADD COLUMN seq bigint, ADD COLUMN digest bytea;
ALTER TABLE listing_changes ADD COLUMN seq bigint, ADD COLUMN digest bytea;

-- Not valid: what is there has no digest, and a long log need not be read to know it.
ALTER TABLE auctions ADD CONSTRAINT auctions_digest CHECK (length(digest) = 32) NOT VALID;
ALTER TABLE bids ADD CONSTRAINT bids_digest CHECK (length(digest) = 32) NOT VALID;
ALTER TABLE item_events ADD CONSTRAINT item_events_digest CHECK (length(digest) = 32) NOT VALID;
ALTER TABLE maximum_raises ADD CONSTRAINT maximum_raises_digest
    CHECK (length(digest) = 32 AND seq > 0 OR digest IS NULL AND seq IS NULL) NOT VALID;
ALTER TABLE listing_changes ADD CONSTRAINT listing_changes_digest
    CHECK (length(digest) = 32 AND seq > 0 OR digest IS NULL AND seq IS NULL) NOT VALID;
