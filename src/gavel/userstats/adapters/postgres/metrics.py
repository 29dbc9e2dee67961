"""What the counter did, a transaction or a pass at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client.core import Metric

from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import counter, gauge, histogram
from gavel.userstats.domain.events import Event
from gavel.userstats.use_cases.count_events import TRANSACTION_EVENTS_MAX, CounterPass

TRANSACTION_EVENTS = (1, 4, 16, 64, 256, 1_000, TRANSACTION_EVENTS_MAX)


def dead_letters_kept(count: float) -> Metric:
    """How many letters are kept, wherever that is."""
    return gauge("gavel_dead_letters_kept", "Dead letters that are kept until someone decides.", (), {(): count})


class CounterMetrics:
    """Events by what became of them, and the transactions that counted them."""

    def __init__(self) -> None:
        self._total = CounterPass()
        self._retries = 0
        self._events = Histogram(TRANSACTION_EVENTS)
        self._seconds = Histogram()
        self._lag = Histogram(LONG_SECONDS)

    def passed(self, done: CounterPass) -> None:
        """Count a pass that ended well."""
        self._total += done

    def failed(self) -> None:
        """Count a pass that did not."""
        self._retries += 1

    def committed(self, events: Sequence[Event], seconds: float) -> None:
        """Count a transaction that took so long. The lag is that of its oldest event, by this machine's clock."""
        self._events.observe(len(events))
        self._seconds.observe(seconds)
        if events:
            oldest = min(event.at for event in events)
            self._lag.observe(max(0.0, (datetime.now(UTC) - oldest).total_seconds()))

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        total = self._total
        events = {("counted",): total.new, ("duplicate",): total.duplicates, ("dead",): total.dead}
        return [
            counter(
                "gavel_counter_events_total",
                "Events taken from the broker: counted, duplicate (counted before), or dead (set aside with a reason).",
                ("outcome",),
                events,
            ),
            counter("gavel_counter_messages_total", "Messages acknowledged.", (), {(): total.deliveries}),
            counter("gavel_counter_retries_total", "Passes that failed and are tried again.", (), {(): self._retries}),
            histogram("gavel_counter_transaction_events", "Events in a transaction.", (), {(): self._events}),
            histogram("gavel_counter_transaction_seconds", "How long a transaction took.", (), {(): self._seconds}),
            histogram(
                "gavel_counter_lag_seconds",
                "From the time of a transaction's oldest event until it is counted, by the counter's clock.",
                (),
                {(): self._lag},
            ),
        ]
