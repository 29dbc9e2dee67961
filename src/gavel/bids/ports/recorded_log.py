"""Port of the log by the time of recording: checkpoints for consumers, and the events that they lost."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple, Protocol

from gavel.bids.ports.outbox import OutboxMessage


class RecordedSecond(NamedTuple):
    """Number of events that the log recorded in a second of Unix time."""

    second: int
    events: int


class Checkpoint(NamedTuple):
    """The log from `since` until before `until`, as Unix time; seconds without events are left out."""

    since: int
    until: int
    seconds: Sequence[RecordedSecond] = ()


class RecordedLog(Protocol):
    """Committed events of all items, by the second in which they were recorded."""

    async def checkpoint(self, since: int) -> Checkpoint:
        """Count the events of each second from `since` on, of a bounded number of seconds.

        Every event recorded before `until` is committed and was published. Raises Unavailable.
        """
        ...

    def messages(self, second: int) -> AsyncGenerator[Sequence[OutboxMessage]]:
        """Yield every event of a second once, with the bytes that were published. Raises Unavailable."""
        ...
