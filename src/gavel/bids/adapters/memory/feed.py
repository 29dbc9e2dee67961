"""Feed of a process's own commits to its watchers."""

from collections.abc import Sequence

from gavel.bids.domain.feed_events import feed_events
from gavel.bids.ports.book import Change
from gavel.bids.ports.feed import FeedListener


class InProcessFeed:
    """CommitListener that passes events to a FeedListener of the same process, if it wants the item."""

    def __init__(self, listener: FeedListener) -> None:
        self._listener = listener

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        for change in changes:
            if self._listener.wants(change.auction.item_id):
                self._listener.take(feed_events(change.events, change.auction))
