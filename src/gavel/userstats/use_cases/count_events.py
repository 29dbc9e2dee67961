"""The counter: takes messages, counts what is in them once, and lets go of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId
from gavel.userstats.ports import (
    Counted,
    DeadLetter,
    DeadLetters,
    Delivery,
    EventReader,
    EventSource,
    NotCountable,
    ReadBatch,
    StatsBook,
)

DELIVERIES_MAX = 64
TAKE_WAIT_SECONDS = 0.5
# More in one transaction is hardly faster, and holds the rows longer against other counters.
TRANSACTION_EVENTS_MAX = 2_000

FORGOTTEN = "older than the event ids that are still known: only a rebuild can count it"


@dataclass(frozen=True, slots=True)
class CounterPass:
    """What one pass did: deliveries let go of, events counted now, counted before, and dead."""

    deliveries: int
    new: int
    duplicates: int
    dead: int


async def count_events(
    source: EventSource, reader: EventReader, book: StatsBook, dead_letters: DeadLetters
) -> CounterPass:
    """Count what waits, or the first that comes within TAKE_WAIT_SECONDS.

    A delivery is acknowledged once its events are counted, and those that can't be are dead letters, each alone with
    its reason. Raises Unavailable; then what was not acknowledged comes again, and what was counted is known by its id.
    """
    done = CounterPass(0, 0, 0, 0)
    for group in _grouped(await source.take(DELIVERIES_MAX, TAKE_WAIT_SECONDS), reader):
        counted, letters = await count_batches(group, reader, book)
        if letters:
            await dead_letters.put(letters)
        await source.ack([delivery for delivery, _ in group])
        done = CounterPass(
            done.deliveries + len(group),
            done.new + counted.new,
            done.duplicates + counted.duplicates,
            done.dead + len(letters),
        )
    return done


Group = list[tuple[Delivery, ReadBatch]]


def _grouped(deliveries: Sequence[Delivery], reader: EventReader) -> Iterator[Group]:
    """The deliveries in groups that fill a transaction, each read only when it is its turn."""
    group: Group = []
    events = 0
    for delivery in deliveries:
        batch = reader.read(delivery.body)
        group.append((delivery, batch))
        events += len(batch.events)
        if events >= TRANSACTION_EVENTS_MAX:
            yield group
            group, events = [], 0
    if group:
        yield group


async def count_batches(group: Group, reader: EventReader, book: StatsBook) -> tuple[Counted, list[DeadLetter]]:
    """Count all that can be counted, and make dead letters of the rest. Raises Unavailable."""
    events = [event for _, batch in group for event in batch.events]
    new = duplicates = 0
    dead: dict[EventId, str] = {}
    for first in range(0, len(events), TRANSACTION_EVENTS_MAX):
        counted, refused = await _count(book, events[first : first + TRANSACTION_EVENTS_MAX])
        new += counted.new
        duplicates += counted.duplicates
        dead |= dict.fromkeys(counted.forgotten, FORGOTTEN) | refused
    letters = [letter for _, batch in group for letter in batch.unreadable]
    for event_id, reason in dead.items():
        letters += [DeadLetter(part, reason) for delivery, _ in group for part in reader.cut(delivery.body, [event_id])]
    return Counted(new, duplicates, tuple(dead)), letters


async def _count(book: StatsBook, events: Sequence[Event]) -> tuple[Counted, dict[EventId, str]]:
    """Count the events. What the database refuses is found by halving, so that it fails alone; with its reason."""
    try:
        return await book.count(events), {}
    except NotCountable as error:
        if len(events) == 1:
            return Counted(0, 0), {events[0].event_id: str(error)}
    middle = len(events) // 2
    counted, refused = await _count(book, events[:middle])
    more_counted, more_refused = await _count(book, events[middle:])
    both = Counted(
        counted.new + more_counted.new,
        counted.duplicates + more_counted.duplicates,
        (*counted.forgotten, *more_counted.forgotten),
    )
    return both, refused | more_refused
