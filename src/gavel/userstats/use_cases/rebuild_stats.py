"""Rebuild all totals from the log."""

from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing

from gavel.userstats.domain.events import Event
from gavel.userstats.ports import EventReader, StatsBook


class LogUnreadable(Exception):
    """An event of the log can't be read, so totals made from it would be wrong; the old ones stay."""


async def rebuild_stats(book: StatsBook, reader: EventReader, log: AsyncIterable[bytes]) -> int:
    """Replace all totals by those of the log, while live counting goes on; the number of events counted from it.

    `log` gives serialized `events.v1.EventBatch` messages, as StatsBook.rebuild asks for them.
    Raises LogUnreadable, and what StatsBook.rebuild raises.
    """

    async def events() -> AsyncGenerator[Sequence[Event]]:
        async for body in log:
            batch = reader.read(body)
            if batch.unreadable:
                raise LogUnreadable(batch.unreadable[0].reason)
            yield batch.events

    async with aclosing(events()) as batches:
        return await book.rebuild(batches)
