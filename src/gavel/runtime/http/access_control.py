"""HTTP access control: rate limits and authentication, applied before a request body is decoded."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from prometheus_client.core import Metric

from gavel.runtime.http.addresses import Addresses, HostNames
from gavel.runtime.http.authentication.oidc_discovery import discovered_key_set, key_set_at
from gavel.runtime.http.authentication.token_keys import KeysAway, OneKey, ProviderKeys
from gavel.runtime.http.authentication.tokens import TokenInvalid, TokenVerifier
from gavel.runtime.http.calls import (
    Actor,
    Anonymous,
    Authenticated,
    Call,
    Trusted,
    charge,
    token_needed,
)
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.exchange import Exchange
from gavel.runtime.http.health import Check
from gavel.runtime.http.load_shedding import LoadShedder, RefusalPauses
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.http.settings import HttpSettings
from gavel.runtime.redis.connection import RedisLink
from gavel.runtime.telemetry.metrics import counter

KEYS_AWAY_RETRY_AFTER_SECONDS = 2.0
# Counted from 0, so that the first refusal with a code shows as an increase.
NOT_LET_IN = (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.UNAVAILABLE)
# A burst is the unused rate of the last seconds.
BURST_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits of a user's actions and of an address's calls; None: unlimited."""

    user: RateLimit | None = None
    address: RateLimit | None = None


class AccessControl:
    """Admission of calls, by the access that their routes require."""

    def __init__(
        self,
        verifier: TokenVerifier | None = None,
        *,
        public_reads: bool = True,
        limits: Limits | None = None,
        addresses: Addresses | None = None,
        hosts: HostNames | None = None,
    ) -> None:
        """Without a verifier every caller is trusted. With `hosts`, calls under other names are refused."""
        self.addresses = addresses or Addresses()
        self._verifier = verifier
        self._hosts = hosts
        self._public_reads = public_reads
        self._limits = limits or Limits()
        self.load_shedder = LoadShedder()
        self._pauses = RefusalPauses()
        self._anonymous, self._trusted = Anonymous(), Trusted(self._limits.user)
        self._not_let_in = {code.value: 0 for code in NOT_LET_IN}

    def is_misdirected(self, exchange: Exchange) -> bool:
        """Whether a request was sent under a name that is not this server's."""
        return self._hosts is not None and not self._hosts.has(exchange.header(b"host"))

    def admit(self, call: Call) -> None:
        """Count the call of its address, and find its principal; left None for a token that was not seen before.

        Raises ConnectError.
        """
        peer = host = call.exchange.client_host
        addresses = self.addresses
        if addresses.has_proxies:
            host = addresses.client_of(peer, call.exchange.headers)
        call.client_host, call.address_key = host, addresses.key_of_call(peer, host)
        if call.address_key is not None:
            call.address_limit = self._limits.address
            charge(call.address_limit, call.address_key)
        if self._verifier is None:
            call.principal = self._trusted
            return
        access = call.route.access
        authorization = call.fields.get(b"authorization")
        if not authorization or (access.is_open and not access.reads_token):
            if not access.is_open and not (access.public_read and self._public_reads):
                self._raise(token_needed())
            call.principal = self._anonymous
        elif (actor := self._verifier.seen(authorization)) is not None:
            self._let_in(call, actor)

    async def authenticate(self, call: Call) -> None:
        """Find the principal of a call that `admit` left without one. Raises ConnectError."""
        if self._verifier is None:
            return
        try:
            actor = await self._verifier.actor(call.fields[b"authorization"])
        except TokenInvalid as error:
            if not call.route.access.is_open:
                self._raise(ConnectError(Code.UNAUTHENTICATED, str(error)))
            call.principal = self._anonymous
        except KeysAway as error:
            if call.route.access.is_open:
                call.principal = self._anonymous
                return
            self._raise(RetryLater(Code.UNAVAILABLE, f"{error}: try again", KEYS_AWAY_RETRY_AFTER_SECONDS))
        else:
            self._let_in(call, actor)

    def pause_seconds(self, call: Call) -> float | None:
        """How long not to read from a connection whose call was refused; None if it is to be closed.

        The connections of a trusted proxy are neither paused nor closed: other clients' calls come on them.
        """
        exchange = call.exchange
        return 0.0 if self.addresses.is_proxy(exchange.client_host) else self._pauses.seconds(exchange.address_key)

    async def source(self) -> Sequence[Metric]:
        """Metrics of the calls refused by load shedding, rate limits and authentication."""
        refused = {("user",): self._limits.user, ("address",): self._limits.address}
        counts: dict[tuple[str, ...], float] = {key: limit.refused for key, limit in refused.items() if limit}
        counts |= {(f"no_room_{priority.value}",): count for priority, count in self.load_shedder.refused.items()}
        counts |= {(code,): count for code, count in self._not_let_in.items()}
        counts |= {(reason,): count for reason, count in self.addresses.refused.items()}
        return [counter("gavel_http_refusals", "Calls refused before they were read, by reason.", ("reason",), counts)]

    def _let_in(self, call: Call, actor: Actor) -> None:
        role = call.route.access.role
        if role and not actor.may(role):
            self._raise(ConnectError(Code.PERMISSION_DENIED, f"this needs the role {role}"))
        call.principal = Authenticated(actor, self._limits.user)

    def _raise(self, error: ConnectError) -> NoReturn:
        self._not_let_in[error.code.value] = self._not_let_in.get(error.code.value, 0) + 1
        raise error


@asynccontextmanager
async def open_access_control(
    settings: HttpSettings, redis_url: str | None = None
) -> AsyncGenerator[tuple[AccessControl, Mapping[str, Check]]]:
    """Open access control as configured, with its readiness checks; keys are renewed inside the context."""
    async with AsyncExitStack() as stack:
        limits, addresses = await _limits(settings, redis_url, stack), settings.addresses()
        if settings.auth_mode == "trusted":
            yield AccessControl(None, limits=limits, addresses=addresses, hosts=settings.host_names()), {}
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
        verifier = _verifier(settings, keys)
        access = AccessControl(verifier, public_reads=settings.public_reads, limits=limits, addresses=addresses)
        yield access, checks


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
