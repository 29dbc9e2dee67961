"""Dead letters in a table of stats_db, for processes without a broker."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import asyncpg
import structlog
from prometheus_client.core import Metric

from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.telemetry.metrics import gauge
from gavel.userstats.adapters.postgres.connections import stats_connection
from gavel.userstats.ports import DeadLetter, KeptLetter

_PUT_DEAD_LETTERS = load_sql(__package__, "put_dead_letters")
_LIST_DEAD_LETTERS = load_sql(__package__, "list_dead_letters")
_COUNT_DEAD_LETTERS = load_sql(__package__, "count_dead_letters")
_DROP_DEAD_LETTERS = load_sql(__package__, "drop_dead_letters")

REPLAY_PAGE_LETTERS = 100
# The metric counts up to this many.
LETTERS_COUNTED_MAX = 100_000

_OLDEST = (datetime(1970, 1, 1, tzinfo=UTC), "")

_log = structlog.get_logger(__name__)


def dead_letters_kept(count: float) -> Metric:
    """Metric of the number of letters kept, in stats_db or in the broker."""
    return gauge("gavel_dead_letters_kept", "Dead letters kept until they are replayed or dropped.", (), {(): count})


class PostgresDeadLetters:
    """DeadLetters on stats_db. A letter put twice is kept once."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """See DeadLetters.put."""
        rows = sorted((_letter_id(letter.body), letter.body, letter.reason) for letter in letters)
        async with stats_connection(self._pool) as connection:
            await connection.execute(_PUT_DEAD_LETTERS, *zip(*rows, strict=True))
        for letter_id, _, reason in rows:
            _log.warning("dead_letter", letter_id=letter_id, reason=reason)

    async def list(self, limit: int) -> Sequence[KeptLetter]:
        """See DeadLetters.list."""
        return await self._page(_OLDEST, None, limit)

    async def replay(
        self, deliver: Callable[[bytes], Awaitable[bool]], letter_ids: Collection[str] | None, limit: int
    ) -> int:
        """See DeadLetters.replay."""
        let_go, given, position = 0, 0, _OLDEST
        while page := await self._page(position, letter_ids, min(limit - given, REPLAY_PAGE_LETTERS)):
            for letter in page:
                if await deliver(letter.body):
                    let_go += await self.drop([letter.letter_id], 1)
            given += len(page)
            position = (page[-1].died_at, page[-1].letter_id)
        return let_go

    async def drop(self, letter_ids: Collection[str] | None, limit: int) -> int:
        """See DeadLetters.drop."""
        async with stats_connection(self._pool) as connection:
            status: str = await connection.execute(_DROP_DEAD_LETTERS, _named(letter_ids), limit)
        return int(status.rpartition(" ")[2])

    async def metrics(self) -> Sequence[Metric]:
        """Source of the metrics. Raises Unavailable."""
        async with stats_connection(self._pool) as connection:
            return [dead_letters_kept(await connection.fetchval(_COUNT_DEAD_LETTERS, LETTERS_COUNTED_MAX))]

    async def _page(
        self, after: tuple[datetime, str], letter_ids: Collection[str] | None, limit: int
    ) -> Sequence[KeptLetter]:
        async with stats_connection(self._pool) as connection:
            rows = await connection.fetch(_LIST_DEAD_LETTERS, *after, _named(letter_ids), limit)
        return [KeptLetter(row["letter_id"], row["body"], row["reason"], row["died_at"]) for row in rows]


def _letter_id(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def _named(letter_ids: Collection[str] | None) -> list[str] | None:
    return None if letter_ids is None else list(letter_ids)
