"""What stats_db tells of one event: for operators, never for counting."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gavel.runtime.postgres.connections import load_sql
from gavel.userstats.domain.ids import EventId, first_event_id, is_before

_READ_COUNTED_EVENT = load_sql(__package__, "read_counted_event")


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """Whether an event was counted, and when that was committed, by stats_db's clock.

    `counted` is None where its id was forgotten since; `at` where the server keeps no such times.
    """

    counted: bool | None
    at: datetime | None


async def counted_event(connection: asyncpg.Connection, event_id: EventId) -> CountedEvent:
    """What is known of the event."""
    [row] = await connection.fetch(_READ_COUNTED_EVENT, event_id)
    forgotten = not row["counted"] and is_before(event_id, first_event_id(row["forgotten_before"]))
    return CountedEvent(None if forgotten else row["counted"], row["counted_at"])
