"""HTTP access control: authentication, rate limits and load shedding, applied before a request body is decoded."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from prometheus_client.core import Metric

from gavel.runtime.http.authentication.oidc_discovery import discovered_key_set, key_set_at
from gavel.runtime.http.authentication.principals import (
    Anonymous,
    Authenticated,
    Principal,
    Trusted,
    charge,
    let_in,
    token_needed,
)
from gavel.runtime.http.authentication.token_keys import KeysAway, OneKey, ProviderKeys
from gavel.runtime.http.authentication.tokens import TokenInvalid, TokenVerifier
from gavel.runtime.http.connect import RetryLater, refusal_reply
from gavel.runtime.http.detached_streams import rest
from gavel.runtime.http.health import Check
from gavel.runtime.http.load_shedding import LoadShedder, Priority
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.http.server import Asgi, Receive, Scope, Send
from gavel.runtime.http.settings import HttpSettings
from gavel.runtime.redis.connection import RedisLink
from gavel.runtime.telemetry.metrics import counter

KEYS_AWAY_RETRY_AFTER_SECONDS = 2.0
# Counted from 0, so that the first refusal with a code shows as an increase.
NOT_LET_IN = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.UNAVAILABLE)
# A burst is the unused rate of the last seconds.
BURST_SECONDS = 2


@dataclass(frozen=True, slots=True)
class CallRule:
    """What a procedure requires of its caller: nothing for a public read, else a token, and maybe a role."""

    role: str = ""
    public_read: bool = False
    priority: Priority = Priority.READ


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits of a user's actions and of an address's calls; None: unlimited."""

    user: RateLimit | None = None
    address: RateLimit | None = None

    def charge_address(self, scope: Scope) -> None:
        """Count a call of an address, except a loopback address. Raises RetryLater."""
        if self.address is not None and scope.get("client") is not None:
            key = address_key(scope["client"][0])
            if key is not None:
                charge(self.address, key)


@lru_cache(maxsize=4_096)
def address_key(host: str) -> str | None:
    """The rate limit key of an address: for IPv6 the /64 network, one household's. None for a loopback address.

    Calls through a proxy on this machine, from the demo and from the benchmark come from the loopback.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))


# By path. A path without a rule is no procedure: it needs no token.
CallRules = Mapping[str, CallRule]


class AccessControl:
    """Admission of calls to an application, by its rules."""

    def __init__(
        self,
        verifier: TokenVerifier | None,
        *,
        public_reads: bool = True,
        limits: Limits | None = None,
    ) -> None:
        """Without a verifier every caller is trusted."""
        self._verifier = verifier
        self._public_reads = public_reads
        self._limits = limits or Limits()
        self._load_shedder = LoadShedder()
        self._anonymous, self._trusted = Anonymous(), Trusted(self._limits.user)
        self._not_let_in = {code.value: 0 for code in NOT_LET_IN}

    def before(self, app: Asgi, rules: CallRules) -> Asgi:
        """Wrap an application in this access control."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            rule = rules.get(scope["path"])
            try:
                if rule is not None:
                    self._limits.charge_address(scope)
                    self._load_shedder.enter(rule.priority)
            except ConnectError as error:
                await _refuse(scope, send, error)
                if seconds := self._load_shedder.rest_seconds():
                    rest(scope, seconds)
                return
            try:
                try:
                    let_in(await self._principal(scope, rule))
                except ConnectError as error:
                    self._not_let_in[error.code.value] = self._not_let_in.get(error.code.value, 0) + 1
                    await _refuse(scope, send, error)
                else:
                    await app(scope, receive, send)
            finally:
                if rule is not None:
                    self._load_shedder.leave(rule.priority)

        return guarded

    async def source(self) -> Sequence[Metric]:
        """Metrics of the calls refused by load shedding, rate limits and authentication."""
        refused = {("user",): self._limits.user, ("address",): self._limits.address}
        counts: dict[tuple[str, ...], float] = {key: limit.refused for key, limit in refused.items() if limit}
        counts |= {(f"no_room_{priority.value}",): count for priority, count in self._load_shedder.refused.items()}
        counts |= {(code,): count for code, count in self._not_let_in.items()}
        return [counter("gavel_http_refusals", "Calls refused before they were read, by reason.", ("reason",), counts)]

    async def _principal(self, scope: Scope, rule: CallRule | None) -> Principal:
        if self._verifier is None:
            return self._trusted
        authorization = _header(scope, b"authorization")
        if not authorization:
            if rule is not None and not (rule.public_read and self._public_reads):
                raise token_needed()
            return self._anonymous
        try:
            actor = await self._verifier.actor(authorization)
        except TokenInvalid as error:
            if rule is None:
                return self._anonymous
            raise ConnectError(Code.UNAUTHENTICATED, str(error)) from error
        except KeysAway as error:
            raise RetryLater(Code.UNAVAILABLE, f"{error}: try again", KEYS_AWAY_RETRY_AFTER_SECONDS) from error
        if rule is not None and rule.role and not actor.may(rule.role):
            raise ConnectError(Code.PERMISSION_DENIED, f"this needs the role {rule.role}")
        return Authenticated(actor, self._limits.user)


@asynccontextmanager
async def open_access_control(
    settings: HttpSettings, redis_url: str | None = None
) -> AsyncGenerator[tuple[AccessControl, Mapping[str, Check]]]:
    """Open access control as configured, with its readiness checks; keys are renewed inside the context."""
    async with AsyncExitStack() as stack:
        limits = await _limits(settings, redis_url, stack)
        if settings.auth_mode == "trusted":
            yield AccessControl(None, limits=limits), {}
            return
        checks: dict[str, Check] = {}
        key = settings.public_key()
        if key is not None:
            keys = OneKey(key)
        else:
            url = settings.jwt_jwks_url
            fetch = key_set_at(url) if url else discovered_key_set(settings.jwt_issuer)
            keys = ProviderKeys(fetch, settings.jwt_algorithms)
            await stack.enter_async_context(keys.renewing().running())
            checks["token_keys"] = keys.problem
        yield AccessControl(_verifier(settings, keys), public_reads=settings.public_reads, limits=limits), checks


async def _limits(settings: HttpSettings, redis_url: str | None, stack: AsyncExitStack) -> Limits:
    limits = Limits(
        _limit("user", settings.rate_limit_user_per_second), _limit("address", settings.rate_limit_address_per_second)
    )
    if redis_url is not None:
        link = RedisLink(redis_url, "gavel-limits")
        stack.push_async_callback(link.close)
        for limit in filter(None, (limits.user, limits.address)):
            await stack.enter_async_context(limit.sharing(link).running())
    return limits


def _limit(name: str, per_second: int) -> RateLimit | None:
    return RateLimit(name, per_second, BURST_SECONDS * per_second) if per_second else None


def _verifier(settings: HttpSettings, keys: OneKey | ProviderKeys) -> TokenVerifier:
    return TokenVerifier(
        keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        client_ids=settings.jwt_client_ids,
        algorithms=settings.jwt_algorithms,
        roles_claim=settings.jwt_roles_claim,
    )


def _header(scope: Scope, name: bytes) -> bytes:
    for each, value in scope["headers"]:
        if each == name:
            return value
    return b""


async def _refuse(scope: Scope, send: Send, error: ConnectError) -> None:
    status, headers, body = refusal_reply(error, _header(scope, b"content-type"))
    if error.code is Code.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
