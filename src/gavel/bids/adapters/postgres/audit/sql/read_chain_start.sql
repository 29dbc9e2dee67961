-- Since when rows of the log have had digests: what is younger and has none was not written by Gavel as it is now.
SELECT applied_at FROM schema_migrations WHERE name = '0005_audit_chain.sql'
