-- The read side: everyone's totals, and the ids of the events that made them.

CREATE TABLE counted_events (
    event_id uuid PRIMARY KEY
);

-- What makes "items bid on" a number of distinct items, whenever their events arrive.
CREATE TABLE bid_items (
    user_id uuid NOT NULL,
    item_id uuid NOT NULL,
    PRIMARY KEY (user_id, item_id)
);

-- Room in each page, and no index on what a bid changes, so that counting a bid rewrites a row in place.
CREATE TABLE user_stats (
    user_id uuid PRIMARY KEY,
    total_bids bigint NOT NULL CHECK (total_bids >= 0),
    total_amount bigint NOT NULL,
    last_updated_at timestamptz NOT NULL,
    last_bid_at timestamptz,
    highest_bid bigint NOT NULL CHECK (highest_bid BETWEEN 0 AND 1000000000000000),
    items_bid_on bigint NOT NULL,
    items_won bigint NOT NULL CHECK (items_won >= 0),
    amount_won bigint NOT NULL,
    items_sold bigint NOT NULL CHECK (items_sold >= 0),
    amount_sold bigint NOT NULL,
    is_bidder boolean NOT NULL GENERATED ALWAYS AS (total_bids > 0) STORED,

    CONSTRAINT an_event_told_of_the_user CHECK (total_bids + items_won + items_sold > 0),
    CONSTRAINT bids_have_a_time_and_an_amount CHECK (
        (total_bids > 0) = (last_bid_at IS NOT NULL) AND (total_bids > 0) = (highest_bid > 0)
    ),
    CONSTRAINT every_amount_is_at_least_one CHECK (
        total_amount >= total_bids AND amount_won >= items_won AND amount_sold >= items_sold
    ),
    CONSTRAINT parts_are_within_their_whole CHECK (items_bid_on BETWEEN 0 AND total_bids AND highest_bid <= total_amount),
    CONSTRAINT newest_event_is_no_older_than_the_last_bid CHECK (last_updated_at >= last_bid_at)
) WITH (fillfactor = 70);

CREATE INDEX top_bidders ON user_stats (amount_won DESC, user_id DESC) WHERE is_bidder;

-- A rebuild fills a second set of these tables, which then changes places with the first.
CREATE SCHEMA rebuild;
CREATE TABLE rebuild.counted_events (LIKE counted_events INCLUDING ALL);
CREATE TABLE rebuild.bid_items (LIKE bid_items INCLUDING ALL);
CREATE TABLE rebuild.user_stats (LIKE user_stats INCLUDING ALL) WITH (fillfactor = 70);
ALTER INDEX rebuild.user_stats_amount_won_user_id_idx RENAME TO top_bidders;

-- One row: what all counting goes by. Whoever counts holds this table in share mode, whoever changes the row in
-- exclusive mode: what was read there holds until the end of the transaction.
CREATE TABLE counting (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Ids of events older than this may be gone, so such events are not counted any more.
    forgotten_before timestamptz NOT NULL DEFAULT 'epoch',
    -- Whether the second set of tables is being filled; it counts only as long as the one who fills it lives.
    rebuilding boolean NOT NULL DEFAULT false
);
INSERT INTO counting DEFAULT VALUES;

-- What could not be counted, where no broker keeps it. The id is made of the body: a letter put twice is kept once.
CREATE TABLE dead_letters (
    letter_id text PRIMARY KEY,
    body bytea NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    died_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX dead_letters_by_age ON dead_letters (died_at, letter_id);

-- One row: what all processes of an installation share. The secret signs page tokens: 244 random bits.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    page_token_secret bytea NOT NULL
);
INSERT INTO installation (page_token_secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
