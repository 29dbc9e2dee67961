"""Cache metrics: hits, misses and reads without the cache."""

from collections.abc import Sequence

from prometheus_client.core import Metric

from gavel.runtime.telemetry.metrics import counter


class CacheMetrics:
    """Counts of reads through one cache: hits that Postgres confirmed, misses, and reads while it is away."""

    def __init__(self, cache: str) -> None:
        self._cache = cache
        self.hits = 0
        self.misses = 0
        self.away = 0

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        counts = {"hit": self.hits, "miss": self.misses, "away": self.away}
        reads = {(self._cache, outcome): float(count) for outcome, count in counts.items()}
        meaning = "Reads by way of a cache: hit, miss (nothing there, or too old), or away."
        return [counter("gavel_cache_reads_total", meaning, ("cache", "outcome"), reads)]
