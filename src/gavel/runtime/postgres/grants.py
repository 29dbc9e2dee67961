"""What a service's role may do in its database: granted by the schema's owner, from a file beside the migrations."""

from collections.abc import Sequence
from importlib.resources import files

import asyncpg

# What a file of grants calls the role: names can't be parameters.
_PLACEHOLDER = '"service_role"'

# A superuser is a member of every role.
_READ_ROLE = """
SELECT quote_ident(rolname) AS name, pg_has_role(rolname, current_user, 'MEMBER') AS owns
FROM pg_roles WHERE rolname = $1
"""


class RoleUnfit(Exception):
    """A role that is to be granted something does not exist, or may do everything as it is."""


def load_grants(package: str) -> str:
    """The statements of a package's `migrations/grants.sql`."""
    return (files(package) / "migrations" / "grants.sql").read_text(encoding="utf-8")


async def grant(connection: asyncpg.Connection, statements: str, roles: Sequence[str]) -> None:
    """Give each role what the statements say and take back what else it had on tables, for all or for none.

    To be run with the lock of migrations held: of two grants on a table at once Postgres refuses one. Raises RoleUnfit.
    """
    async with connection.transaction():
        for role in roles:
            found = await connection.fetchrow(_READ_ROLE, role)
            if found is None:
                raise RoleUnfit(f"there is no role {role}: make it first, or leave it out of GRANT_TO")
            if found["owns"]:
                raise RoleUnfit(f"the role {role} may do all that the owner may: GRANT_TO names roles that may do less")
            await connection.execute(statements.replace(_PLACEHOLDER, found["name"]))
