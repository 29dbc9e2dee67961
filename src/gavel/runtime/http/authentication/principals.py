"""Principals: the caller of a request, as access control found it and as the handler sees it."""

import math
from dataclasses import dataclass
from typing import Protocol

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.rate_limits import RateLimit

# This role includes every other role.
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A user named by a verified token: a canonical UUID, and roles.

    `roles` None: the token has no roles claim and need not have one; its bearer may do all but administer.
    `until_seconds` is when the token expires, leeway included, on the clock of `time.time`.
    """

    user_id: str
    roles: frozenset[str] | None = None
    until_seconds: float = math.inf

    def may(self, role: str) -> bool:
        """Whether the user may make a call that needs the role."""
        if self.roles is None:
            return role != ADMIN
        return role in self.roles or ADMIN in self.roles


class Principal(Protocol):
    """The caller of a request. Everything that is done or shown in a user's name goes through `acts_as`."""

    @property
    def user_id(self) -> str | None:
        """The id that a token proves; None without a token."""
        ...

    @property
    def until_seconds(self) -> float:
        """When what the caller began must end, on the clock of `time.time`."""
        ...

    def acts_as(self, user_id: str) -> None:
        """Let the call act for a user. Raises ConnectError if it may not, or not now."""
        ...


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The bearer of a verified token, who acts only for its user."""

    actor: Actor
    limit: RateLimit | None = None

    @property
    def user_id(self) -> str | None:
        """See Principal.user_id."""
        return self.actor.user_id

    @property
    def until_seconds(self) -> float:
        """See Principal.until_seconds."""
        return self.actor.until_seconds

    def acts_as(self, user_id: str) -> None:
        """See Principal.acts_as."""
        if user_id != self.actor.user_id:
            raise ConnectError(Code.PERMISSION_DENIED, f"the token is that of {self.actor.user_id}, who acts alone")
        charge(self.limit, user_id)


class Anonymous:
    """A caller without a token while authentication is on: may read what is public."""

    user_id: str | None = None
    until_seconds = math.inf

    def acts_as(self, user_id: str) -> None:  # noqa: ARG002 - refused for every user
        """See Principal.acts_as."""
        raise token_needed()


class Trusted:
    """Any caller while authentication is off: acts for the user that the body names."""

    user_id: str | None = None
    until_seconds = math.inf

    def __init__(self, limit: RateLimit | None = None) -> None:
        self._limit = limit

    def acts_as(self, user_id: str) -> None:
        """See Principal.acts_as."""
        charge(self._limit, user_id)


def charge(limit: RateLimit | None, key: str) -> None:
    """Count a call against a limit. Raises RetryLater if it is reached."""
    if limit is not None and (wait_seconds := limit.take(key)):
        raise RetryLater(Code.RESOURCE_EXHAUSTED, f"too many calls of one {limit.name}", wait_seconds)


def token_needed() -> ConnectError:
    """The error for a call without a token."""
    return ConnectError(Code.UNAUTHENTICATED, "a token is needed: Authorization: Bearer ...")


def token_expired() -> ConnectError:
    """The error for a token that was valid when the call began."""
    return ConnectError(Code.UNAUTHENTICATED, "the token has expired: resume with a new one")
