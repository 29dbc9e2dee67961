"""Replay dead letters, after their cause has been fixed."""

from collections.abc import Collection

from gavel.userstats.ports import DeadLetters, Delivery, EventReader, StatsBook
from gavel.userstats.use_cases.count_events import count_group


async def replay_dead_letters(
    dead_letters: DeadLetters,
    reader: EventReader,
    book: StatsBook,
    *,
    letter_ids: Collection[str] | None,
    letters_max: int,
) -> int:
    """Count the events in the letters (those named, or all) and drop the letters that hold nothing else.

    Returns the number dropped. A letter with a part that still can't be counted stays; its other events count once.
    Raises Unavailable.
    """

    async def deliver(body: bytes) -> bool:
        group = [(Delivery(0, body), reader.read(body))]
        _, letters = await count_group(group, reader, book)
        return not letters

    return await dead_letters.replay(deliver, letter_ids, letters_max)
