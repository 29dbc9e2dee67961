-- One row: what all processes of an installation share. The secret signs page tokens.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    page_token_secret bytea NOT NULL
);

-- Two random UUIDs: 244 bits from the server's strong generator, without an extension.
INSERT INTO installation (page_token_secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
