"""The relay: hands what is owed to the broker."""

from gavel.bids.ports.outbox import EventPublisher, Outbox

RELAY_BATCH_ROWS_MAX = 500


async def relay_outbox(outbox: Outbox, publisher: EventPublisher) -> int:
    """Publish one batch of outbox rows and delete them; the number of events relayed, 0 where nothing was owed.

    A row is deleted only when the broker has taken its events, so each reaches it at least once.
    Raises EventsNotPublished or Unavailable; then the batch is owed still.
    """
    return await outbox.relay(publisher.publish, RELAY_BATCH_ROWS_MAX)
