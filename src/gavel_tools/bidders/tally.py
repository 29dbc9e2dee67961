"""Call statistics: latencies in a histogram of bounded size, and failures by kind."""

import math
from collections import Counter
from dataclasses import dataclass, field

# Neighbouring buckets differ by 5 %, which is also the error of a percentile.
_GROWTH = math.log(1.05)


@dataclass(slots=True)
class Latencies:
    """Latencies, counted in buckets: a run of any length takes a few hundred numbers."""

    buckets: Counter[int] = field(default_factory=Counter[int])

    def add(self, seconds: float) -> None:
        """Count one latency."""
        self.buckets[round(math.log(max(seconds, 1e-6)) / _GROWTH)] += 1

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that `share` (0 to 1) of all stay within, to 5 %; 0 where there are none."""
        rank, seen = math.ceil(share * self.buckets.total()), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return 1000 * math.exp(bucket * _GROWTH)
        return 0.0

    def since(self, earlier: "Latencies") -> "Latencies":
        """What was counted after an earlier copy was made."""
        return Latencies(self.buckets - earlier.buckets)

    def copy(self) -> "Latencies":
        """The latencies counted so far."""
        return Latencies(self.buckets.copy())


@dataclass(slots=True)
class CallTally:
    """The latencies of what was answered, and how often there was no answer, by kind."""

    latencies: Latencies = field(default_factory=Latencies)
    no_answers: Counter[str] = field(default_factory=Counter[str])
