"""Load shedding: a call that would wait too long is refused at once, with a hint when to retry; less urgent ones first.

An overloaded server that takes every call answers all of them too late. So as many calls are admitted as end within
WAIT_SECONDS_MAX at the recent rate (Little's law), and never fewer than keep the server busy.
"""

import time
from collections.abc import Callable
from enum import Enum

from connectrpc.code import Code

from gavel.runtime.http.addresses import Tally
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.rate_limits import RateLimit

WAIT_SECONDS_MAX = 1.0
# Enough to keep a server busy that works in batches of 256: one is served while the next one gathers.
URGENT_CALLS_MIN = 512
URGENT_CALLS_MAX = 10_000
READS_MAX = 512
# Of one address, at a time. A read may take the event loop for milliseconds, and all share the database's connections.
ADDRESS_READS_MAX = 16
RATE_WINDOW_SECONDS = 0.5
# The best recent rate counts, and fades: a lull says nothing about capacity.
RATE_FADES_TO = 0.95
RETRY_AFTER_SECONDS = 1.0
# A refusal costs a quarter of a call, and many clients retry at once. So refused connections are read again in turn, so
# many a second: those of all exempt addresses together, and those of each other address.
REFUSALS_PER_SECOND_MAX = 300
ADDRESS_REFUSALS_PER_SECOND_MAX = 50
REFUSALS_AT_ONCE_MAX = 100
# A longer pause would be silence: a client that retries as Retry-After says notices none.
PAUSE_SECONDS_MAX = 1.0


class Priority(Enum):
    """How urgent a call is: under load reads are refused before urgent calls, and new streams (WATCH) before reads."""

    URGENT = "urgent"
    READ = "read"
    WATCH = "watch"


class LoadShedder:
    """Admission by priority. Reads are refused once half of the urgent room is taken, new watches once a quarter is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.urgent = 0
        self.reads = 0
        self._reads_of = Tally()
        self.refused = dict.fromkeys(Priority, 0)
        self._clock = clock
        # The current limit of concurrent urgent calls.
        self.urgent_max = URGENT_CALLS_MIN
        self._per_second = 0.0
        self._done = 0
        self._window_began = clock()

    def enter(self, priority: Priority, key: str | None = None) -> None:
        """Admit a call, to be followed by `leave`. Raises RetryLater. `key` is that of its address."""
        taken = self.urgent / self.urgent_max
        if priority is Priority.READ and self._reads_of.held(key) >= ADDRESS_READS_MAX:
            self.refused[priority] += 1
            raise RetryLater(Code.RESOURCE_EXHAUSTED, "too many reads of one address at once", RETRY_AFTER_SECONDS)
        match priority:
            case Priority.URGENT if taken < 1:
                self.urgent += 1
            case Priority.READ if taken < 0.5 and self.reads < READS_MAX:
                self.reads += 1
                self._reads_of.add(key)
            case Priority.WATCH if taken < 0.25 and self.reads < READS_MAX // 2:
                pass
            case Priority.URGENT:
                self.refused[priority] += 1
                raise RetryLater(Code.RESOURCE_EXHAUSTED, "too many calls are waiting", RETRY_AFTER_SECONDS)
            case _:
                self.refused[priority] += 1
                raise RetryLater(Code.UNAVAILABLE, "too busy for this now", RETRY_AFTER_SECONDS)

    def leave(self, priority: Priority, key: str | None = None, *, is_work: bool = True) -> None:
        """Release an answered call. What was refused before it was worked on says nothing about capacity."""
        if priority is Priority.READ:
            self.reads -= 1
            self._reads_of.drop(key)
        elif priority is Priority.URGENT:
            self.urgent -= 1
            if not is_work:
                return
            self._done += 1
            now = self._clock()
            seconds = now - self._window_began
            if seconds >= RATE_WINDOW_SECONDS:
                self._per_second = max(self._done / seconds, self._per_second * RATE_FADES_TO)
                self._done, self._window_began = 0, now
                self.urgent_max = int(min(max(URGENT_CALLS_MIN, self._per_second * WAIT_SECONDS_MAX), URGENT_CALLS_MAX))


class RefusalPauses:
    """Pauses in reading from connections whose calls are refused, owed by each address for itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._exempt = _Debts(REFUSALS_PER_SECOND_MAX, clock)
        self._addresses = _Debts(ADDRESS_REFUSALS_PER_SECOND_MAX, clock)

    def seconds(self, key: str | None) -> float | None:
        """How long not to read from a connection that was refused; None if it is to be closed.

        0 unless very many are refused. `key` is that of its address; None for an exempt one, which is never closed: to
        accept a client again takes more CPU than to refuse it.
        """
        if key is None:
            seconds = self._exempt.owed_seconds("")
            return PAUSE_SECONDS_MAX if seconds is None else seconds
        return self._addresses.owed_seconds(key)


class _Debts:
    """What each key owes for its refusals, up to PAUSE_SECONDS_MAX."""

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self._free_seconds = REFUSALS_AT_ONCE_MAX / per_second
        at_once = REFUSALS_AT_ONCE_MAX + int(PAUSE_SECONDS_MAX * per_second)
        self._limit = RateLimit("refusals", per_second, at_once, clock)

    def owed_seconds(self, key: str) -> float | None:
        """Add one refusal, and return what the key owes now; None if that is too much."""
        if self._limit.take(key):
            return None
        owed = self._limit.used_seconds(key) - self._free_seconds
        return owed if owed > 1e-9 else 0.0
