"""The counter: takes messages, counts each of their events once, and acknowledges them."""

import asyncio
from collections import deque
from collections.abc import Sequence
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
# A user's totals are written once a transaction, however many bids they have in it: 2,000 cost half as much again.
# More is hardly faster, and holds the rows longer against other counters.
TRANSACTION_EVENTS_MAX = 5_000

# While one waits for the database, the other decodes.
COUNTERS_AT_ONCE = 2

FORGOTTEN = "older than the event ids that are still known: only a rebuild can count it"


@dataclass(frozen=True, slots=True)
class CounterPass:
    """Result of one pass: deliveries acknowledged, and events counted now, counted before, and dead."""

    deliveries: int = 0
    new: int = 0
    duplicates: int = 0
    dead: int = 0

    def __add__(self, other: "CounterPass") -> "CounterPass":
        return CounterPass(
            self.deliveries + other.deliveries,
            self.new + other.new,
            self.duplicates + other.duplicates,
            self.dead + other.dead,
        )


# Deliveries that are counted together, with their decoded bodies.
Group = list[tuple[Delivery, ReadBatch]]


async def count_events(
    source: EventSource, reader: EventReader, book: StatsBook, dead_letters: DeadLetters
) -> CounterPass:
    """Count the waiting deliveries, or the first that comes within TAKE_WAIT_SECONDS.

    A delivery is acknowledged once its events are counted or stored as dead letters, each alone with its reason.
    Raises Unavailable; then what was not acknowledged comes again, and counted events are recognised by their ids.
    """

    waiting = deque(await source.take(DELIVERIES_MAX, TAKE_WAIT_SECONDS))

    async def count_waiting() -> CounterPass:
        done = CounterPass()
        while group := await _read_group(waiting, reader):
            counted, letters = await count_group(group, reader, book)
            if letters:
                await dead_letters.put(letters)
            await source.ack([delivery for delivery, _ in group])
            done += CounterPass(len(group), counted.new, counted.duplicates, len(letters))
        return done

    outcomes = await asyncio.gather(*(count_waiting() for _ in range(COUNTERS_AT_ONCE)), return_exceptions=True)
    done = CounterPass()
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        done += outcome
    return done


async def _read_group(waiting: deque[Delivery], reader: EventReader) -> Group:
    """Take enough deliveries to fill a transaction; empty if none is left."""
    group: Group = []
    events = 0
    while waiting and events < TRANSACTION_EVENTS_MAX:
        delivery = waiting.popleft()
        batch = reader.read(delivery.body)
        group.append((delivery, batch))
        events += len(batch.events)
        # Decoding a body takes milliseconds; other tasks run in between.
        await asyncio.sleep(0)
    return group


async def count_group(group: Group, reader: EventReader, book: StatsBook) -> tuple[Counted, list[DeadLetter]]:
    """Count the events that can be counted, and make dead letters of the rest. Raises Unavailable."""
    events = [event for _, batch in group for event in batch.events]
    new = duplicates = 0
    dead: dict[EventId, str] = {}
    for first in range(0, len(events), TRANSACTION_EVENTS_MAX):
        counted, refused = await _count(book, events[first : first + TRANSACTION_EVENTS_MAX])
        new += counted.new
        duplicates += counted.duplicates
        dead |= dict.fromkeys(counted.forgotten, FORGOTTEN) | refused
    letters = [letter for _, batch in group for letter in batch.unreadable]
    if dead:
        for delivery, _ in group:
            letters += [DeadLetter(part, dead[event_id]) for event_id, part in reader.cut(delivery.body, dead).items()]
    return Counted(new, duplicates, tuple(dead)), letters


async def _count(book: StatsBook, events: Sequence[Event]) -> tuple[Counted, dict[EventId, str]]:
    """Count the events. Those that the database refuses are isolated by halving, and returned with their reasons."""
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
