"""Grants of a service's role in its database: given by the schema's owner, from a file beside the migrations."""

from collections.abc import Sequence
from importlib.resources import files

import asyncpg

# Placeholder of the role in a file of grants: names can't be parameters.
_PLACEHOLDER = '"service_role"'

# A superuser is a member of every role.
_READ_ROLE = """
SELECT quote_ident(rolname) AS name, pg_has_role(rolname, current_user, 'MEMBER') AS owns
FROM pg_roles WHERE rolname = $1
"""


class RoleUnfit(Exception):
    """A role for grants does not exist, or already has every right."""


def load_grants(package: str) -> str:
    """Load the statements of a package's `migrations/grants.sql`."""
    return (files(package) / "migrations" / "grants.sql").read_text(encoding="utf-8")


async def grant(connection: asyncpg.Connection, statements: str, roles: Sequence[str]) -> None:
    """Grant each role what the statements say, and revoke its other rights on tables; atomic for all roles.

    Needs the migration lock: of two concurrent grants on a table Postgres refuses one. Raises RoleUnfit.
    """
    async with connection.transaction():
        for role in roles:
            found = await connection.fetchrow(_READ_ROLE, role)
            if found is None:
                raise RoleUnfit(f"there is no role {role}: make it first, or leave it out of GRANT_TO")
            if found["owns"]:
                raise RoleUnfit(f"the role {role} may do all that the owner may: GRANT_TO names roles that may do less")
            await connection.execute(statements.replace(_PLACEHOLDER, found["name"]))
