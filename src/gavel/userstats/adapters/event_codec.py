"""Event codec: decodes message bodies by the contract `events.v1`. Never raises, whatever the bytes are."""

from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.runtime.telemetry.tracing import is_sampled
from gavel.userstats.domain.events import AMOUNT_MAX, BidPlaced, Event, ItemSold, NothingToCount
from gavel.userstats.domain.ids import EventId, ItemId, UserId, canonical_uuid
from gavel.userstats.ports import DeadLetter, ReadBatch

# A relay packs about 500 events into a body: some 150 KB.
BODY_BYTES_MAX = 4 * 1024 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# EventBatch.events, field 1, length-delimited.
_EVENTS_TAG = 0x0A
_VARINT_BYTES_MAX = 10


class _Unreadable(Exception):
    """An event can't be counted; the text is the reason that is kept with the dead letter."""


class EventBatchReader:
    """EventReader of serialized `events.v1.EventBatch` messages."""

    def read(self, body: bytes) -> ReadBatch:
        """See EventReader.read."""
        if len(body) > BODY_BYTES_MAX:
            return _all_dead(body, f"the body has {len(body)} bytes, more than {BODY_BYTES_MAX}")
        try:
            batch = pb.EventBatch.from_binary(body)
        except Exception as error:  # noqa: BLE001 - bytes of any kind must not stop the queue; the reason is kept
            return _read_one_by_one(body, error)
        if not batch.events:
            return _all_dead(body, "the body holds no event")
        events: list[Event] = []
        unreadable: list[DeadLetter] = []
        for message in batch.events:
            try:
                events.append(_event(message))
            except _Unreadable as error:
                unreadable.append(DeadLetter(_alone(message), str(error)))
        return ReadBatch(events, unreadable)

    def cut(self, body: bytes, event_ids: Container[EventId]) -> Mapping[EventId, bytes]:
        """See EventReader.cut."""
        return {
            event.event_id: part
            for part in _split(body)
            for event in self.read(part).events
            if event.event_id in event_ids
        }


def _alone(message: pb.Event) -> bytes:
    """Encode an event as a batch of its own, with the fields that only a later contract knows."""
    return pb.EventBatch(events=[message]).to_binary()


def _split(body: bytes) -> list[bytes]:
    """Split a body into one body per event; empty if that is impossible."""
    try:
        return [_alone(message) for message in pb.EventBatch.from_binary(body).events]
    except Exception:  # noqa: BLE001 - see EventBatchReader.read
        with suppress(ValueError):
            return _parts(body)
        return []


def _all_dead(body: bytes, reason: str) -> ReadBatch:
    return ReadBatch((), [DeadLetter(body, reason)])


def _read_one_by_one(body: bytes, failure: Exception) -> ReadBatch:
    """Decode a batch that can't be parsed as a whole: split it by lengths, so that only bad events are dead letters."""
    try:
        parts = _parts(body)
    except ValueError:
        return _all_dead(body, f"not an EventBatch: {failure}")
    events: list[Event] = []
    unreadable: list[DeadLetter] = []
    for part in parts:
        try:
            [message] = pb.EventBatch.from_binary(part).events
            events.append(_event(message))
        except _Unreadable as error:
            unreadable.append(DeadLetter(part, str(error)))
        except Exception as error:  # noqa: BLE001 - see EventBatchReader.read
            unreadable.append(DeadLetter(part, f"not an Event: {error}"))
    if not unreadable:
        return _all_dead(body, f"not an EventBatch: {failure}")
    return ReadBatch(events, unreadable)


def _parts(body: bytes) -> list[bytes]:
    """Split a batch into one batch per event, unparsed. Raises ValueError if that is impossible."""
    parts: list[bytes] = []
    position = 0
    while position < len(body):
        if body[position] != _EVENTS_TAG:
            raise ValueError("something else than events")
        length, start = _varint(body, position + 1)
        end = start + length
        if end > len(body):
            raise ValueError("the body ends within an event")
        parts.append(body[position:end])
        position = end
    return parts


def _varint(body: bytes, position: int) -> tuple[int, int]:
    """The number at a position, and the position behind it (Protocol Buffers encoding, "Base 128 Varints")."""
    number = 0
    for at, byte in enumerate(body[position : position + _VARINT_BYTES_MAX]):
        number |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return number, position + at + 1
    raise ValueError("a length without an end")


def _event(message: pb.Event) -> Event:
    """Decode an event, and validate the fields that are counted. Raises _Unreadable."""
    event_id = EventId(_uuid(message.event_id, "event_id"))
    item_id = ItemId(_known(message.item_id, "item_id"))
    recorded_at = message.recorded_at
    if recorded_at is None:
        raise _Unreadable("recorded_at is missing")
    at = _time(recorded_at.seconds, recorded_at.nanos)
    fact = message.fact
    if fact is None:
        raise _Unreadable("an unknown kind of fact")
    traceparent = message.traceparent if is_sampled(message.traceparent) else ""
    if fact.field == "bid_placed":
        bid = fact.value
        user_id = UserId(_known(bid.user_id, "user_id"))
        return BidPlaced(event_id, at, item_id, user_id, _amount(bid.amount), traceparent)
    if fact.field == "auction_closed":
        return _closed(fact.value, event_id, at, item_id, traceparent)
    return NothingToCount(event_id, at, traceparent)


def _closed(closed: pb.AuctionClosed, event_id: EventId, at: datetime, item_id: ItemId, traceparent: str) -> Event:
    seller_id = UserId(_known(closed.seller_id, "seller_id"))
    if not closed.sold:
        return NothingToCount(event_id, at, traceparent)
    winner_id = UserId(_known(closed.winner_id, "winner_id"))
    return ItemSold(event_id, at, item_id, seller_id, winner_id, _amount(closed.amount), traceparent)


def _uuid(text: str, name: str) -> str:
    canonical = canonical_uuid(text)
    if canonical is None:
        raise _Unreadable(f"{name} is not a UUID" if text else f"{name} is missing")
    return canonical


# Cached: users and items recur; an event's id does not.
_known = lru_cache(maxsize=10_000)(_uuid)


def _amount(amount: int) -> int:
    if not 1 <= amount <= AMOUNT_MAX:
        raise _Unreadable(f"the amount is {amount}, not 1 to 10^15")
    return amount


@lru_cache(maxsize=1024)
def _time(seconds: int, nanos: int) -> datetime:
    """A time of the contract, to the microsecond. Cached, since the bids of a batch share their times."""
    if not 0 <= nanos < 1_000_000_000:
        raise _Unreadable("recorded_at is no time")
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
    except OverflowError as error:
        raise _Unreadable("recorded_at is no time") from error
