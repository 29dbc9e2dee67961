"""Guard against a jump of a database's clock, which decides when things end and grow old."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from prometheus_client.core import Metric

from gavel.runtime.telemetry.metrics import gauge

# Against this process's monotonic clock, between two readings. A slow answer is late by seconds, and no jump.
CLOCK_JUMP_SECONDS_MAX = 10.0

_log = structlog.get_logger(__name__)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class DatabaseClock:
    """A database's clock as one process reads it. It is trusted from the start, and not after a jump.

    After a jump it is trusted again as soon as it agrees with this machine's clock. Where that one is wrong, an
    operator confirms the database's by starting the process again. A database on this machine has the same clock, and
    a jump of it is not noticed.
    """

    def __init__(
        self,
        name: str,
        monotonic: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self.name = name
        self.is_trusted = True
        self._monotonic = monotonic
        self._wall_clock = wall_clock
        self._last: tuple[datetime, float] | None = None

    def trusts(self, at: datetime) -> bool:
        """Note a reading of the clock that was just made; whether it can be acted on."""
        now_seconds, last = self._monotonic(), self._last
        self._last = (at, now_seconds)
        jumped_seconds = 0.0 if last is None else (at - last[0]).total_seconds() - (now_seconds - last[1])
        if abs((at - self._wall_clock()).total_seconds()) <= CLOCK_JUMP_SECONDS_MAX:
            if not self.is_trusted:
                _log.warning("database_clock_trusted_again", database=self.name)
            self.is_trusted = True
        elif abs(jumped_seconds) > CLOCK_JUMP_SECONDS_MAX and self.is_trusted:
            _log.error("database_clock_jumped", database=self.name, seconds=round(jumped_seconds, 1))
            self.is_trusted = False
        return self.is_trusted

    async def read(self) -> Sequence[Metric]:
        """Source of the metric."""
        meaning = "0 after a jump of the database's clock: nothing is closed or pruned until it is right again."
        trusted = {(self.name,): float(self.is_trusted)}
        return [gauge("gavel_database_clock_trusted", meaning, ("database",), trusted)]
