"""What the live feed of a process did."""

from collections.abc import Sequence

from prometheus_client.core import Metric

from gavel.bids.use_cases.live_feed import LiveFeed
from gavel.runtime.telemetry.metrics import Source, counter, gauge


def feed_source(feed: LiveFeed) -> Source:
    """Metrics of a feed."""

    async def read() -> Sequence[Metric]:
        return [
            gauge("gavel_feed_watchers", "Streams that are open now.", (), {(): feed.watcher_count}),
            gauge("gavel_feed_items", "Items that someone watches now.", (), {(): feed.item_count}),
            counter("gavel_feed_streams_total", "Streams that were opened.", (), {(): feed.watchers_seen}),
            counter("gavel_feed_snapshots_total", "Items told whole to a watcher.", (), {(): feed.snapshots}),
            counter("gavel_feed_resumes_total", "Items told from where a watcher had been.", (), {(): feed.resumes}),
            counter("gavel_feed_events_total", "Events told, whatever the watchers.", (), {(): feed.events_told}),
            counter(
                "gavel_feed_gaps_filled_total",
                "Events that the feed missed and read from the log.",
                (),
                {(): feed.gaps_filled},
            ),
            counter(
                "gavel_feed_slow_watchers_total",
                "Streams ended because their watcher did not read.",
                (),
                {(): feed.slow_watchers_ended},
            ),
        ]

    return read
