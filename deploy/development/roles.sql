-- As whom the processes come to the databases of compose.yaml. Run once, on an empty volume, by Postgres' own image; the
-- migrations, which are the owner's, grant these what they need.
\getenv password POSTGRES_PASSWORD
CREATE ROLE gavel_bids LOGIN PASSWORD :'password';
CREATE ROLE gavel_stats LOGIN PASSWORD :'password';
