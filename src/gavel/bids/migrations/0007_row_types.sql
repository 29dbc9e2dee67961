-- Row types of the arrays that a lane writes with: one array a table. A type is never altered, so that processes of the
-- release before go on after a migration: a new column comes with a new type.
CREATE TYPE auction_state AS (
    item_id uuid, price bigint, leader_id uuid, leader_maximum bigint, bid_count bigint, last_bid_seq bigint, seq bigint,
    revision bigint, end_at timestamptz, cancelled_at timestamptz, closed_at timestamptz, digest bytea
);
CREATE TYPE bid_row AS (
    item_id uuid, seq bigint, user_id uuid, amount bigint, maximum bigint, automatic boolean, outbid_user_id uuid,
    bid_count bigint, minimum_next_bid bigint, end_at timestamptz, traceparent text, digest bytea
);
CREATE TYPE item_event_row AS (
    item_id uuid, seq bigint, kind text, price bigint, leader_id uuid, bid_count bigint, minimum_next_bid bigint,
    end_at timestamptz, sold boolean, traceparent text, digest bytea
);
CREATE TYPE maximum_raise_row AS (
    item_id uuid, revision bigint, user_id uuid, maximum bigint, traceparent text, seq bigint, digest bytea
);
CREATE TYPE standing_row AS (item_id uuid, user_id uuid, amount bigint, maximum bigint, bid_count bigint, last_bid_seq bigint);
CREATE TYPE bid_key_row AS (item_id uuid, user_id uuid, key text, request text, bid_seq bigint);
CREATE TYPE outbox_row AS (routing_key text, event_count integer, body bytea);
