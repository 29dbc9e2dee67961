"""Who calls: what the door found out of a call, as the handler of the same call sees it."""

import math
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.runtime.http.connect import RetryLater
from gavel.runtime.http.rate_limits import RateLimit

# Whoever has this role may do what any role may.
ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A user as a verified token names them: a canonical UUID, and what they may do.

    `roles` None: the token has no roles claim and need not have one; its bearer may do all but administer.
    `until_seconds` is when the token is good no more, leeway included, on the clock of `time.time`.
    """

    user_id: str
    roles: frozenset[str] | None = None
    until_seconds: float = math.inf

    def may(self, role: str) -> bool:
        """Whether a call that needs the role is this user's to make."""
        if self.roles is None:
            return role != ADMIN
        return role in self.roles or ADMIN in self.roles


class Principal(Protocol):
    """The one behind a call. Everything that is done or shown in a user's name goes through `acts_as`."""

    @property
    def user_id(self) -> str | None:
        """The id that a token proves; None where none does."""
        ...

    @property
    def until_seconds(self) -> float:
        """How long they may go on with what they began, on the clock of `time.time`."""
        ...

    def acts_as(self, user_id: str) -> None:
        """Let the call act for a user. Raises ConnectError where it may not, or not now."""
        ...


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The bearer of a verified token, who acts for nobody else."""

    actor: Actor
    limit: RateLimit | None = None

    @property
    def user_id(self) -> str | None:
        """See Caller.user_id."""
        return self.actor.user_id

    @property
    def until_seconds(self) -> float:
        """See Caller.until_seconds."""
        return self.actor.until_seconds

    def acts_as(self, user_id: str) -> None:
        """See Caller.acts_as."""
        if user_id != self.actor.user_id:
            raise ConnectError(Code.PERMISSION_DENIED, f"the token is that of {self.actor.user_id}, who acts alone")
        charge(self.limit, user_id)


class Anonymous:
    """Someone without a token, where tokens are asked for: may look at what is public."""

    user_id: str | None = None
    until_seconds = math.inf

    def acts_as(self, user_id: str) -> None:  # noqa: ARG002 - whoever it is
        """See Caller.acts_as."""
        raise token_needed()


class Trusted:
    """Anyone, where nobody is asked: acts for whom the body names."""

    user_id: str | None = None
    until_seconds = math.inf

    def __init__(self, limit: RateLimit | None = None) -> None:
        self._limit = limit

    def acts_as(self, user_id: str) -> None:
        """See Caller.acts_as."""
        charge(self._limit, user_id)


def charge(limit: RateLimit | None, key: str) -> None:
    """Count a call against a limit. Raises RetryLater where it is reached."""
    if limit is not None and (wait_seconds := limit.take(key)):
        raise RetryLater(Code.RESOURCE_EXHAUSTED, f"too many calls of one {limit.name}", wait_seconds)


def token_needed() -> ConnectError:
    """What someone without a token is told."""
    return ConnectError(Code.UNAUTHENTICATED, "a token is needed: Authorization: Bearer ...")


def token_expired() -> ConnectError:
    """What someone is told whose token was good when they came."""
    return ConnectError(Code.UNAUTHENTICATED, "the token has expired: resume with a new one")


# A handler that no door stands before believes nobody.
_principal: ContextVar[Principal] = ContextVar("caller", default=Anonymous())  # noqa: B039 - it has no state


def let_in(principal: Principal) -> None:
    """Say who makes the call that runs in this context."""
    _principal.set(principal)


def current_principal() -> Principal:
    """Who makes this call."""
    return _principal.get()
