-- Row types of the arrays by which a lane writes all changed texts of a batch in one statement, as in 0007_row_types.sql.
CREATE TYPE listing_texts AS (item_id uuid, title text, description text, images text[], category text);
CREATE TYPE listing_change_row AS (
    item_id uuid, revision bigint, user_id uuid, title text, description text, images text[], category text, traceparent text, seq bigint,
    digest bytea
);
