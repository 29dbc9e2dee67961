"""Redis connection of every process: a bounded pool, short timeouts, a circuit breaker, and scripts from files.

The library is imported by the first link: a process without a Redis starts sooner, and is smaller.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import structlog
from prometheus_client.core import Metric

from gavel.runtime.redis.circuit_breaker import CircuitBreaker
from gavel.runtime.telemetry.metrics import counter, gauge

# A cache that is slower than this is slower than the database.
ANSWER_SECONDS_MAX = 0.05
CLOSE_SECONDS_MAX = 1.0
POOL_CONNECTIONS_MAX = 8
# A lasting refusal is logged again after this, and stays in readiness details for this long after it was last met.
REFUSAL_SECONDS = 30.0

# Remedy by the beginning of an error's text. The text itself is never passed on: it may hold keys and users.
_REMEDIES = {
    "NOAUTH": "it wants a password: set it in REDIS_URL",
    "WRONGPASS": "user or password are wrong: correct them in REDIS_URL",
    "NOPERM": "the user lacks a right: give it those of docs/DEPLOYMENT.md with ACL SETUSER",
    "DENIED": "protected mode lets in its own machine alone: set a password there and in REDIS_URL",
    "READONLY": "it is a replica: name the primary in REDIS_URL",
    "MASTERDOWN": "it is a replica without its primary: name the primary in REDIS_URL",
    "LOADING": "it loads its data: wait",
    "MISCONF": "it can't save to its disk and takes no writes: free its disk, or turn saving off",
    "OOM": "its memory is full: raise maxmemory, or set maxmemory-policy to allkeys-lru",
    "WRONGTYPE": "a key of Gavel's holds what another program wrote: give Gavel a database of its own in REDIS_URL",
    "MOVED": "it is a node of a cluster: name a single server in REDIS_URL",
    "ERR max number of clients": "it has no connection left: raise maxclients",
    "ERR invalid password": "the password is wrong: correct it in REDIS_URL",
    "ERR AUTH": "it has no password: take it out of REDIS_URL",
    "ERR DB index": "it has no database of that number: correct it in REDIS_URL",
    "ERR unknown command": "it is too old, or the command was renamed: Gavel wants Redis 6.2 or newer",
}
# The server ends the connection after these, so they count as unavailable.
_PARTING = {"DENIED"}

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class RedisAway(Exception):
    """Redis gives no answer in time or accepts no connection, or the circuit breaker is open."""


class RedisRefused(Exception):
    """Redis answered, and its answer is an error."""


def error_code(error: BaseException) -> str:
    """Return Redis's code of an error, such as NOAUTH; an empty text if it did not answer."""
    from redis.exceptions import RedisError

    if not isinstance(error, RedisError):
        return ""
    found = re.match(r"[A-Z]{3,16}(?= |$)", error.status_code or str(error))
    return found[0] if found else ""


def _is_refusal(error: BaseException) -> bool:
    """Whether Redis answered, with an error."""
    from redis import exceptions

    away = (exceptions.ConnectionError, exceptions.TimeoutError)
    return isinstance(error, exceptions.RedisError) and not isinstance(error, away)


def _remedy(code: str, error: BaseException) -> str:
    # The library strips the codes that it knows from the text.
    text = str(error) if str(error).startswith(code) else f"{code} {error}"
    return next((remedy for beginning, remedy in _REMEDIES.items() if text.startswith(beginning)), "see its own log")


@cache
def load_lua(package: str, *names: str) -> str:
    """Concatenate the package's `lua/NAME.lua` into one script. Call it at import, to find a missing file at start."""
    return "\n".join((files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8") for name in names)


class RedisLink:
    """Connection pool of one Redis, which connects on first use."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        breaker: CircuitBreaker | None = None,
        refusal_seconds: float = REFUSAL_SECONDS,
    ) -> None:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.connection import parse_url
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError

        pool = BlockingConnectionPool(
            **parse_url(url),
            max_connections=POOL_CONNECTIONS_MAX,
            # `run` bounds the total time: to wait for a connection, to connect, to ask.
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            # A retry would take as long again; the database is asked instead.
            retry=Retry(NoBackoff(), 0),
            client_name=name,
            driver_info=None,
            protocol=2,
            decode_responses=True,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._failures = (OSError, TimeoutError, RedisError)
        self._answer_seconds_max = answer_seconds_max
        self._breaker = breaker or CircuitBreaker()
        self._asked = {"answered": 0, "refused": 0, "away": 0}
        self._refusal_seconds = refusal_seconds
        # When each remedy was logged last; the last refusal, and when it was met.
        self._logged_at: dict[str, float] = {}
        self._refusal: str | None = None
        self._refused_at = 0.0

    async def run(self, work: Callable[[Any], Awaitable[T]], times: int = 1) -> T:
        """Call `work` with the client, and return its result, within `times` the time of one answer.

        Raises RedisAway or RedisRefused.
        """
        if not self._breaker.lets_in():
            self._asked["away"] += 1
            raise RedisAway(self._recent_refusal() or "Redis gave no answer lately")
        was_closed = self._breaker.is_closed
        try:
            async with asyncio.timeout(times * self._answer_seconds_max):
                result = await work(self._redis)
        except self._failures as error:
            code = error_code(error)
            said = self._refused(code, _remedy(code, error)) if code else None
            if _is_refusal(error) and code not in _PARTING:
                self._breaker.succeeded()
                self._asked["refused"] += 1
                raise RedisRefused(said or f"Redis: {type(error).__name__}") from error
            self._breaker.failed()
            self._asked["away"] += 1
            if was_closed and not self._breaker.is_closed:
                _log.warning("redis_unavailable", error=code or type(error).__name__)
            raise RedisAway(said or f"Redis gives no answer ({type(error).__name__})") from error
        except BaseException:
            self._breaker.left()
            raise
        self._breaker.succeeded()
        self._asked["answered"] += 1
        if not was_closed:
            _log.info("redis_available")
        return result

    async def metrics(self) -> Sequence[Metric]:
        """Metrics source of this link."""
        asked = {(outcome,): float(count) for outcome, count in self._asked.items()}
        is_open = {(): 0.0 if self._breaker.is_closed else 1.0}
        return [
            counter("gavel_redis_requests_total", "Requests to Redis by how they ended.", ("outcome",), asked),
            gauge("gavel_redis_breaker_open", "1 while Redis is not asked, because it gave no answer.", (), is_open),
        ]

    async def problem(self) -> str | None:
        """Readiness check: the reason why Redis can't be used now, or couldn't lately; None if there is none.

        Recent refusals count, because a full or a read-only Redis still answers a ping.
        """
        try:
            await self.run(lambda redis: redis.ping())
        except (RedisAway, RedisRefused) as error:
            return str(error)
        return self._recent_refusal()

    def _refused(self, code: str, remedy: str) -> str:
        """Note a refusal, and log it unless it was logged lately; returns its text."""
        now = time.monotonic()
        self._refusal, self._refused_at = f"Redis refuses with {code}: {remedy}", now
        if now - self._logged_at.get(remedy, -math.inf) >= self._refusal_seconds:
            self._logged_at[remedy] = now
            _log.warning("redis_refused", code=code, remedy=remedy)
        return self._refusal

    def _recent_refusal(self) -> str | None:
        return self._refusal if time.monotonic() - self._refused_at < self._refusal_seconds else None

    async def close(self) -> None:
        """Close the connections, within CLOSE_SECONDS_MAX."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._redis.aclose()
        except self._failures as error:
            _log.info("redis_close_failed", error=type(error).__name__)
