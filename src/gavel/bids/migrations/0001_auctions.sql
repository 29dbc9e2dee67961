-- What a decision reads and replaces. Narrow, because every bid rewrites a row; half-filled pages keep the
-- new version beside the old one (HOT), and no index covers a column that a bid changes.
CREATE TABLE auctions (
    item_id uuid PRIMARY KEY,
    seller_id uuid NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    category text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    start_at timestamptz NOT NULL,
    scheduled_end_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL,
    start_price bigint NOT NULL CHECK (start_price BETWEEN 1 AND 1000000000000000),
    reserve_price bigint NOT NULL CHECK (reserve_price = 0 OR reserve_price BETWEEN start_price AND 1000000000000000),
    buy_now_price bigint NOT NULL CHECK (buy_now_price = 0 OR buy_now_price BETWEEN greatest(start_price, reserve_price) AND 1000000000000000),
    soft_close_window_seconds integer NOT NULL CHECK (soft_close_window_seconds BETWEEN 0 AND 86400),
    soft_close_extension_seconds integer NOT NULL CHECK (soft_close_extension_seconds BETWEEN 0 AND 86400),
    soft_close_max_extension_seconds integer NOT NULL CHECK (soft_close_max_extension_seconds BETWEEN 0 AND 86400),
    increment_fixed bigint NOT NULL CHECK (increment_fixed >= 0),
    increment_basis_points integer NOT NULL CHECK (increment_basis_points >= 0),
    price bigint NOT NULL DEFAULT 0 CHECK (price BETWEEN 0 AND 1000000000000000),
    leader_id uuid,
    leader_maximum bigint NOT NULL DEFAULT 0 CHECK (leader_maximum >= price),
    bid_count bigint NOT NULL DEFAULT 0,
    last_bid_seq bigint NOT NULL DEFAULT 0,
    seq bigint NOT NULL,
    revision bigint NOT NULL,
    cancelled_at timestamptz,
    closed_at timestamptz,
    CHECK (start_at < scheduled_end_at),
    CHECK ((bid_count = 0) = (leader_id IS NULL)),
    CHECK ((bid_count = 0) = (price = 0)),
    CHECK (price = 0 OR price >= start_price),
    CHECK (leader_id <> seller_id),
    CHECK (bid_count <= last_bid_seq AND last_bid_seq <= seq AND seq <= revision),
    CHECK (cancelled_at IS NULL OR (closed_at IS NULL AND bid_count = 0)),
    CHECK (closed_at >= end_at)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX auctions_by_end ON auctions (end_at, item_id) WHERE cancelled_at IS NULL;
CREATE INDEX auctions_by_category_and_end ON auctions (category, end_at, item_id) WHERE cancelled_at IS NULL;
CREATE INDEX auctions_by_start ON auctions (start_at, item_id) WHERE cancelled_at IS NULL;
CREATE INDEX auctions_by_seller ON auctions (seller_id, created_at, item_id);
CREATE INDEX auctions_cancelled ON auctions (end_at, item_id) WHERE cancelled_at IS NOT NULL;
CREATE INDEX auctions_due ON auctions (end_at) WHERE cancelled_at IS NULL AND closed_at IS NULL;

-- The texts of an item: read to show it, never to decide.
CREATE TABLE listings (
    item_id uuid PRIMARY KEY REFERENCES auctions,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description text NOT NULL CHECK (length(description) <= 10000),
    images text[] NOT NULL CHECK (cardinality(images) <= 20)
);

-- An item as it is shown: its auction and its texts.
CREATE VIEW items AS
SELECT a.item_id, a.seller_id, a.currency, a.category, a.created_at, a.updated_at, a.start_at, a.scheduled_end_at, a.end_at, a.start_price,
       a.reserve_price, a.buy_now_price, a.soft_close_window_seconds, a.soft_close_extension_seconds,
       a.soft_close_max_extension_seconds, a.increment_fixed, a.increment_basis_points, a.price, a.leader_id, a.leader_maximum,
       a.bid_count, a.last_bid_seq, a.seq, a.revision, a.cancelled_at, a.closed_at, l.title, l.description, l.images
FROM auctions a
JOIN listings l USING (item_id);

-- The log, first half: a bid is its own log row, with the state right after it. `maximum` is shown to nobody
-- but its owner. A bid is accepted before the end in force, or not at all.
CREATE TABLE bids (
    item_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 1),
    user_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    maximum bigint NOT NULL CHECK (maximum >= amount),
    automatic boolean NOT NULL,
    created_at timestamptz NOT NULL,
    outbid_user_id uuid CHECK (outbid_user_id <> user_id),
    bid_count bigint NOT NULL CHECK (bid_count > 0 AND bid_count < seq),
    minimum_next_bid bigint NOT NULL CHECK (minimum_next_bid > amount),
    end_at timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (item_id, seq),
    CHECK (created_at < end_at)
);

-- The log, second half: the rarer events, with the state right after each.
CREATE TABLE item_events (
    item_id uuid NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    kind text NOT NULL CHECK (kind IN ('listed', 'extended', 'closed', 'cancelled')),
    created_at timestamptz NOT NULL,
    price bigint NOT NULL,
    leader_id uuid,
    bid_count bigint NOT NULL,
    minimum_next_bid bigint NOT NULL,
    end_at timestamptz NOT NULL,
    sold boolean NOT NULL DEFAULT false,
    traceparent text,
    title text, -- as it was listed: a seller may change it later, and the event must not change with it
    PRIMARY KEY (item_id, seq),
    CHECK ((kind = 'listed') = (seq = 1)),
    CHECK ((kind = 'listed') = (title IS NOT NULL)),
    CHECK (NOT sold OR (kind = 'closed' AND leader_id IS NOT NULL)),
    CHECK (kind <> 'closed' OR created_at >= end_at),
    CHECK (kind <> 'cancelled' OR bid_count = 0)
);

-- An auction is over once.
CREATE UNIQUE INDEX item_events_one_end ON item_events (item_id) WHERE kind IN ('closed', 'cancelled');

-- The log's footnote: a leader's higher maximum is a change without an event. Shown to nobody but its owner.
CREATE TABLE maximum_raises (
    item_id uuid NOT NULL,
    revision bigint NOT NULL,
    user_id uuid NOT NULL,
    maximum bigint NOT NULL CHECK (maximum BETWEEN 1 AND 1000000000000000),
    created_at timestamptz NOT NULL,
    traceparent text,
    PRIMARY KEY (item_id, revision)
);

-- How each bidder stands on an item: the leaderboard, and what someone has bid on. Written with the bids that it sums up,
-- so it never tells of one that is not there. A bidder's last bid is their highest. `maximum` is shown to nobody but its
-- owner. As with auctions, no index covers a column that a bid changes.
CREATE TABLE standings (
    item_id uuid NOT NULL,
    user_id uuid NOT NULL,
    amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
    maximum bigint NOT NULL CHECK (maximum >= amount),
    bid_count bigint NOT NULL CHECK (bid_count >= 0),
    last_bid_seq bigint NOT NULL CHECK (last_bid_seq > 1),
    last_bid_at timestamptz NOT NULL,
    PRIMARY KEY (item_id, user_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX standings_by_user ON standings (user_id);

-- Idempotency keys, scoped to item and user: a retry is answered with the bid of its first acceptance.
CREATE TABLE bid_keys (
    item_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    request text NOT NULL,
    bid_seq bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (item_id, user_id, key)
);

-- What is still owed to the broker: one row for what one transaction made under one routing key.
-- `body` is a serialized events.v1.EventBatch. Vacuumed eagerly: every row is dead within a moment.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    routing_key text NOT NULL,
    event_count integer NOT NULL CHECK (event_count > 0),
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
-- A row lives for a moment: to compress its body costs more than to write it as it is.
ALTER TABLE outbox ALTER COLUMN body SET STORAGE EXTERNAL;
