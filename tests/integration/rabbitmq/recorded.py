"""A log in memory for the tests of requests."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from gavel.bids.ports import book as bids
from gavel.bids.ports.outbox import OutboxMessage
from gavel.bids.ports.recorded_log import Checkpoint, RecordedSecond

SECONDS = [RecordedSecond(1_796_000_000, 5_000), RecordedSecond(1_796_000_003, 1)]


@dataclass
class Recorded:
    """A log with two seconds, in memory; it fails as often as a test wants."""

    failures: int = 0
    asked: list[int] = field(default_factory=list[int])

    async def checkpoint(self, since: int) -> Checkpoint:
        """See RecordedLog.checkpoint."""
        self.asked.append(since)
        if self.failures:
            self.failures -= 1
            raise bids.Unavailable("bid_db is away")
        return Checkpoint(since, since + 60, SECONDS)

    async def messages(self, second: int) -> AsyncGenerator[Sequence[OutboxMessage]]:
        """See RecordedLog.messages."""
        self.asked.append(second)
        yield [OutboxMessage("bid.placed", b"bids of %d" % second, 1)]
        yield [OutboxMessage("auction.closed", b"closes of %d" % second, 1)]
