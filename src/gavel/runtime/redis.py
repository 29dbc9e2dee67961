"""Redis as every process uses it: a bounded pool, short timeouts, a circuit breaker, and scripts from files."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import structlog
from prometheus_client.core import Metric
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gavel.runtime.circuit_breaker import CircuitBreaker
from gavel.runtime.metrics import counter, gauge

# A cache that is slower than this is slower than the database.
ANSWER_SECONDS_MAX = 0.05
CLOSE_SECONDS_MAX = 1.0
POOL_CONNECTIONS_MAX = 8

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class RedisAway(Exception):
    """Redis gives no answer in time, or gave none lately and is not asked now."""


class RedisRefused(Exception):
    """Redis answered, and its answer is an error."""


@cache
def load_lua(package: str, *names: str) -> str:
    """One script out of the package's `lua/NAME.lua`, one after the other. Raises FileNotFoundError at import."""
    return "\n".join((files(package) / "lua" / f"{name}.lua").read_text(encoding="utf-8") for name in names)


class RedisLink:
    """A pool of connections to one Redis, which connects when it is asked."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        pool = BlockingConnectionPool(
            **parse_url(url),
            max_connections=POOL_CONNECTIONS_MAX,
            # `run` bounds the time of everything together: to wait for a connection, to connect, to ask.
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            # A second try would take as long again; the database is asked instead.
            retry=Retry(NoBackoff(), 0),
            client_name=name,
            driver_info=None,
            protocol=2,
            decode_responses=True,
        )
        self._redis: Redis = Redis.from_pool(pool)
        self._answer_seconds_max = answer_seconds_max
        self._breaker = breaker or CircuitBreaker()
        self._asked = {"answered": 0, "refused": 0, "away": 0}

    async def run(self, work: Callable[[Any], Awaitable[T]], times: int = 1) -> T:
        """Give the client to `work`; what `work` returns, within `times` the time of an answer.

        Raises RedisAway or RedisRefused.
        """
        if not self._breaker.lets_in():
            self._asked["away"] += 1
            raise RedisAway("Redis gave no answer lately")
        was_closed = self._breaker.is_closed
        try:
            async with asyncio.timeout(times * self._answer_seconds_max):
                result = await work(self._redis)
        except (OSError, TimeoutError, RedisConnectionError, RedisTimeoutError) as error:
            self._breaker.failed()
            self._asked["away"] += 1
            if was_closed and not self._breaker.is_closed:
                _log.warning("redis_away", error=type(error).__name__)
            raise RedisAway("Redis gives no answer") from error
        except RedisError as error:
            self._breaker.succeeded()
            self._asked["refused"] += 1
            raise RedisRefused(type(error).__name__) from error
        except BaseException:
            self._breaker.left()
            raise
        self._breaker.succeeded()
        self._asked["answered"] += 1
        if not was_closed:
            _log.info("redis_back")
        return result

    async def metrics(self) -> Sequence[Metric]:
        """Source of the metrics of this link."""
        asked = {(outcome,): float(count) for outcome, count in self._asked.items()}
        is_open = {(): 0.0 if self._breaker.is_closed else 1.0}
        return [
            counter("gavel_redis_requests_total", "Requests to Redis by how they ended.", ("outcome",), asked),
            gauge("gavel_redis_breaker_open", "1 while Redis is not asked, because it gave no answer.", (), is_open),
        ]

    async def problem(self) -> str | None:
        """What keeps Redis from being used, None where nothing does: a check for readiness."""
        try:
            await self.run(lambda redis: redis.ping())
        except (RedisAway, RedisRefused) as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Close the connections, within CLOSE_SECONDS_MAX."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._redis.aclose()
        except (OSError, TimeoutError, RedisError) as error:
            _log.info("redis_not_closed", error=type(error).__name__)
