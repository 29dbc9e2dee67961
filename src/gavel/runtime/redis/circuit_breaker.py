"""Circuit breaker: after some failures in a row, only an occasional probe is allowed."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES_MAX = 3
OPEN_SECONDS = 1.0


@dataclass(slots=True)
class CircuitBreaker:
    """Circuit breaker: opens after `failures_max` failures in a row, for `open_seconds` with jitter.

    After that it is half open: one call is allowed, and its outcome closes it or opens it again.
    The outcome of every allowed call must be reported by `succeeded`, `failed` or `left`.
    """

    failures_max: int = FAILURES_MAX
    open_seconds: float = OPEN_SECONDS
    clock: Callable[[], float] = time.monotonic
    _failures: int = field(default=0, init=False)
    _closed_again_seconds: float = field(default=0.0, init=False)
    _probing: bool = field(default=False, init=False)

    @property
    def is_closed(self) -> bool:
        """Whether all calls are allowed."""
        return self._failures < self.failures_max

    def lets_in(self) -> bool:
        """Whether a call may be made now."""
        if self.is_closed:
            return True
        if self._probing or self.clock() < self._closed_again_seconds:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """Report a call that was answered."""
        self._probing = False
        self._failures = 0

    def failed(self) -> None:
        """Report a call that was not answered."""
        self._probing = False
        self._failures = min(self._failures + 1, self.failures_max)
        if not self.is_closed:
            self._closed_again_seconds = self.clock() + self.open_seconds * random.uniform(0.75, 1.25)

    def left(self) -> None:
        """Report a call that was cancelled before it ended; it counts neither way."""
        self._probing = False
