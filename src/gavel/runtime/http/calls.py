"""Call: one request as a handler sees it: its principal, its deadline, and what it is about."""

import math
import re
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, NewType, Protocol
from uuid import uuid4

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.exchange import Exchange, Response
from gavel.runtime.http.load_shedding import LoadShedder, Priority
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.telemetry import tracing

if TYPE_CHECKING:
    from gavel.runtime.http.routes import Route

# This role includes every other role.
ADMIN = "admin"
CALL_SECONDS_MAX = 10.0
REQUEST_ID_CHARACTERS_MAX = 128
# The Connect protocol's own bound.
TIMEOUT_DIGITS_MAX = 10

# The id of the user that a call acts for. Only Call.acting_as makes one.
ActingUser = NewType("ActingUser", str)

_REQUEST_ID = re.compile(rf"[\w.:+/=-]{{1,{REQUEST_ID_CHARACTERS_MAX}}}\Z", re.ASCII).match
# Fields of which a request must not have two, since a proxy might read the other one.
_SINGLE = frozenset(
    (
        b"authorization",
        b"connect-content-encoding",
        b"connect-protocol-version",
        b"connect-timeout-ms",
        b"content-encoding",
        b"content-type",
        b"idempotency-key",
    )
)


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


def charge(limit: RateLimit | None, key: str, cost: int = 1) -> None:
    """Count a call of this cost against a limit. Raises RetryLater if it is reached."""
    if limit is not None and (wait_seconds := limit.take(key, cost)):
        raise RetryLater(Code.RESOURCE_EXHAUSTED, f"too many calls of one {limit.name}", wait_seconds)


def token_needed() -> ConnectError:
    """The error for a call without a token."""
    return ConnectError(Code.UNAUTHENTICATED, "a token is needed: Authorization: Bearer ...")


def token_expired() -> ConnectError:
    """The error for a token that was valid when the call began."""
    return ConnectError(Code.UNAUTHENTICATED, "the token has expired: resume with a new one")


class Call:
    """A request on its way through the pipeline, and then to its handler.

    `deadline_seconds` is on the event loop's clock, `started_seconds` on that of `perf_counter`. `principal` is None
    until the caller is known. `incoming` is the W3C trace context that the request came with, `traceparent` that of its
    own span; both may be empty. `bound` are ids that log lines and the span show.
    """

    __slots__ = (
        "_priority",
        "_request_id",
        "_shedder",
        "address_key",
        "address_limit",
        "bound",
        "client_host",
        "deadline_seconds",
        "exchange",
        "fields",
        "incoming",
        "is_work",
        "principal",
        "route",
        "started_seconds",
        "traceparent",
    )

    def __init__(self, exchange: Exchange, route: "Route") -> None:
        self.started_seconds = perf_counter()
        self.exchange = exchange
        self.route = route
        self.fields = fields = dict(exchange.headers)
        self.principal: Principal | None = None
        # Found by access control: the client's address, and the key by which it is limited (None: it is not).
        self.client_host = ""
        self.address_key: str | None = None
        self.address_limit: RateLimit | None = None
        # Whether it was worked on, rather than refused before.
        self.is_work = False
        self.deadline_seconds = exchange.now_seconds() + CALL_SECONDS_MAX
        incoming = fields.get(b"traceparent")
        self.incoming = tracing.valid(incoming.decode("latin-1")) if incoming else ""
        self.traceparent = tracing.begin(self.incoming) if tracing.is_on else self.incoming
        self.bound: dict[str, str] = {}
        self._request_id = ""
        self._shedder: LoadShedder | None = None
        self._priority = Priority.READ

    @property
    def request_id(self) -> str:
        """The caller's X-Request-Id if it is well formed, else a generated one. Made when it is first needed."""
        if not self._request_id:
            sent = self.fields.get(b"x-request-id", b"").decode("latin-1")
            self._request_id = sent if _REQUEST_ID(sent) else uuid4().hex
        return self._request_id

    @property
    def idempotency_key(self) -> str:
        """The Idempotency-Key header, in UTF-8; empty without one. Other bytes become characters that no key has."""
        return self.fields.get(b"idempotency-key", b"").decode(errors="surrogateescape")

    @property
    def proven_user_id(self) -> str | None:
        """The id that the caller's token proves; None without a token."""
        return None if self.principal is None else self.principal.user_id

    def acting_as(self, user_id: str) -> ActingUser:
        """Act for a user, given by canonical UUID. Charges the user's rate limit. Raises ConnectError if it may not."""
        if self.principal is None:
            raise ConnectError(Code.INTERNAL, "the caller is not known yet")
        self.principal.acts_as(user_id)
        return ActingUser(user_id)

    def charge_address(self, cost: int) -> None:
        """Count a call that costs as much as so many others, besides itself. Raises RetryLater."""
        if self.address_key is not None:
            charge(self.address_limit, self.address_key, cost)

    def bind(self, **about: str) -> None:
        """Bind ids, by their names."""
        self.bound.update(about)

    def check_fields(self) -> None:
        """Raise ConnectError (invalid_argument) where a field is repeated that must not be."""
        if len(self.fields) != len(self.exchange.headers):
            seen = set[bytes]()
            for name, _ in self.exchange.headers:
                if name in _SINGLE and name in seen:
                    text = f"the {name.decode().title()} header must not be repeated"
                    raise ConnectError(Code.INVALID_ARGUMENT, text)
                seen.add(name)

    def asked_seconds(self) -> float | None:
        """The time limit in Connect-Timeout-Ms; None without one. Raises ConnectError (invalid_argument)."""
        timeout_ms = self.fields.get(b"connect-timeout-ms")
        if not timeout_ms:
            return None
        if len(timeout_ms) > TIMEOUT_DIGITS_MAX or not timeout_ms.isdigit():
            raise ConnectError(Code.INVALID_ARGUMENT, "connect-timeout-ms must be a number of up to ten digits")
        return int(timeout_ms) / 1_000

    def shorten(self, seconds: float) -> None:
        """End the call at most so many seconds after it began."""
        self.deadline_seconds += min(seconds - CALL_SECONDS_MAX, 0.0)

    def enter(self, shedder: LoadShedder, priority: Priority) -> None:
        """Take a place among the calls that are served. Raises RetryLater."""
        shedder.enter(priority, self.address_key)
        self._shedder, self._priority = shedder, priority

    def leave(self) -> None:
        """Give the place back; more than once has no effect."""
        if self._shedder is not None:
            self._shedder.leave(self._priority, self.address_key, is_work=self.is_work)
            self._shedder = None

    def respond(self, response: Response) -> None:
        """Answer, and give the place back."""
        self.leave()
        self.exchange.respond(response)
