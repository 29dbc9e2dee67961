"""Limits of what one seller may write a day: what is listed or changed stays in the log, and can never be deleted."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from connectrpc.code import Code

from gavel.bids.domain.auction import UserId
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.redis.connection import RedisLink

SELLER_CALLS_PER_DAY = 5_000
SELLER_BYTES_PER_DAY = 50_000_000

_DAY_SECONDS = 86_400.0


class SellerLimits:
    """Calls of CreateItem and UpdateItem by one seller, and bytes of their texts. A whole day's may come at once."""

    def __init__(self, calls_per_day: int = SELLER_CALLS_PER_DAY, bytes_per_day: int = SELLER_BYTES_PER_DAY) -> None:
        """0: no limit."""
        self._calls, self._bytes = _a_day("seller_calls", calls_per_day), _a_day("seller_bytes", bytes_per_day)

    def charge(self, seller_id: UserId, texts: Iterable[str]) -> None:
        """Count a call that writes these texts. Raises RetryLater if the seller has written too much."""
        size = sum(len(text.encode(errors="surrogatepass")) for text in texts)
        for limit, cost, what in ((self._calls, 1, "items"), (self._bytes, size, "texts")):
            if limit is not None and (wait_seconds := limit.take(seller_id, cost)):
                message = f"too many {what} of one seller for a day"
                raise RetryLater(Code.RESOURCE_EXHAUSTED, message, wait_seconds)

    @asynccontextmanager
    async def sharing(self, redis_url: str | None) -> AsyncGenerator[None]:
        """Share what was counted with the other processes inside the context."""
        async with AsyncExitStack() as stack:
            if redis_url is not None:
                link = RedisLink(redis_url, "gavel-seller-limits")
                stack.push_async_callback(link.close)
                for limit in filter(None, (self._calls, self._bytes)):
                    await stack.enter_async_context(limit.sharing(link).running())
            yield


def _a_day(name: str, count: int) -> RateLimit | None:
    return RateLimit(name, count / _DAY_SECONDS, count) if count else None
