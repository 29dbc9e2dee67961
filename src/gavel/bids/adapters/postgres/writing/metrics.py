"""What a lane did, counted a batch at a time, so that a bid in it costs next to nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import Labels, Source, counter, gauge, histogram

BATCH_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, LANE_BATCH_COMMANDS_MAX)


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """When a batch began, held its locks, had written, and was committed, by `perf_counter`."""

    begun_seconds: float
    locked_seconds: float
    written_seconds: float
    committed_seconds: float


class LaneMetrics:
    """The batches of one lane."""

    def __init__(self) -> None:
        self.commands = Histogram(BATCH_COMMANDS)
        self.lock = Histogram()
        self.commit = Histogram()
        self.batch = Histogram()
        self.failed = 0

    def observe(self, commands: int, times: BatchTimes) -> None:
        """Count a batch that was committed, or had nothing to commit."""
        self.commands.observe(commands)
        self.lock.observe(times.locked_seconds - times.begun_seconds)
        self.commit.observe(times.committed_seconds - times.written_seconds)
        self.batch.observe(times.committed_seconds - times.begun_seconds)


def lane_source(name: str, metrics: LaneMetrics, waiting_count: Callable[[], int]) -> Source:
    """Metrics of one lane, under its name."""
    labels, lane = ("lane",), (name,)

    def seconds(metric: str, meaning: str, counted: Histogram) -> Metric:
        by_lane: dict[Labels, Histogram] = {lane: counted}
        return histogram(metric, meaning, labels, by_lane)

    async def read() -> Sequence[Metric]:
        return [
            gauge(
                "gavel_lane_commands_waiting", "Commands that wait in the lane now.", labels, {lane: waiting_count()}
            ),
            histogram("gavel_lane_batch_commands", "Commands in a batch.", labels, {lane: metrics.commands}),
            seconds("gavel_lane_lock_seconds", "From BEGIN until the auctions are locked and read.", metrics.lock),
            seconds("gavel_lane_commit_seconds", "From COMMIT to its answer.", metrics.commit),
            seconds("gavel_lane_batch_seconds", "A batch's transaction as a whole.", metrics.batch),
            counter(
                "gavel_lane_batches_failed_total",
                "Batches that were rolled back, or whose COMMIT has an unknown fate, before they were tried in parts.",
                labels,
                {lane: metrics.failed},
            ),
        ]

    return read
