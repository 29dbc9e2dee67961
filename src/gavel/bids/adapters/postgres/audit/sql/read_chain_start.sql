-- When the migration of the digest chain was applied: a younger row without a digest was not written by this version.
SELECT applied_at FROM schema_migrations WHERE name = '0005_audit_chain.sql'
