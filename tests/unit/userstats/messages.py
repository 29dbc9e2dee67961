"""Messages to count: fixed people and items, a fixed clock, bodies by the published contract."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from protobuf import Oneof
from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.userstats.domain.ids import ItemId, UserId

ANNA = UserId("a0000000-0000-4000-8000-00000000000a")
BELA = UserId("b0000000-0000-4000-8000-00000000000b")
CARLA = UserId("c0000000-0000-4000-8000-00000000000c")
SELLER = UserId("5e11e500-0000-4000-8000-000000000000")
VASE = ItemId("00000000-0000-4000-8000-000000000001")
LAMP = ItemId("00000000-0000-4000-8000-000000000002")
CHAIR = ItemId("00000000-0000-4000-8000-000000000003")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Recent on any clock, so that no test but those on forgetting meets the horizon of event ids.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def after(seconds: float) -> datetime:
    """A time after noon."""
    return NOON + timedelta(seconds=seconds)


def timestamp(at: datetime) -> Timestamp:
    """A time as the contract has it."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def event_id(item_id: str, seq: int, at: datetime) -> str:
    """An id by the contract's rule: made of item and seq, a UUID of version 7 whose order is that of time."""
    digest = blake2b(f"{item_id} {seq}".encode(), digest_size=10).hexdigest()
    time = f"{(at - _EPOCH) // timedelta(milliseconds=1):012x}"
    return f"{time[:8]}-{time[8:]}-7{digest[:3]}-8{digest[4:7]}-{digest[7:19]}"


def _event(item_id: str, seq: int, at: datetime) -> pb.Event:
    return pb.Event(event_id=event_id(item_id, seq, at), item_id=item_id, seq=seq, recorded_at=timestamp(at))


def bid(
    user_id: str, amount: int, *, seq: int, at: datetime = NOON, item_id: str = VASE, automatic: bool = False
) -> pb.Event:
    """A bid was accepted."""
    event = _event(item_id, seq, at)
    placed = pb.BidPlaced(
        bid_id=event.event_id,
        item_id=item_id,
        user_id=user_id,
        amount=amount,
        timestamp=timestamp(at),
        seq=seq,
        automatic=automatic,
        seller_id=SELLER,
        currency="USD",
        bid_count=seq - 1,
        minimum_next_bid=amount + 100,
        end_at=timestamp(at + timedelta(hours=1)),
    )
    event.fact = Oneof(field="bid_placed", value=placed)
    return event


def closed(
    winner_id: str, amount: int, *, seq: int, at: datetime = NOON, item_id: str = VASE, seller_id: str = SELLER
) -> pb.Event:
    """An auction closed; unsold without a winner."""
    event = _event(item_id, seq, at)
    fact = pb.AuctionClosed(
        item_id=item_id,
        seq=seq,
        seller_id=seller_id,
        sold=bool(winner_id),
        winner_id=winner_id,
        amount=amount,
        currency="USD",
        timestamp=timestamp(at),
    )
    event.fact = Oneof(field="auction_closed", value=fact)
    return event


def listed(*, at: datetime = NOON, item_id: str = VASE) -> pb.Event:
    """An item was listed."""
    event = _event(item_id, 1, at)
    fact = pb.ItemListed(
        item_id=item_id,
        seq=1,
        seller_id=SELLER,
        title="A vase",
        start_price=1_000,
        currency="USD",
        start_at=timestamp(at),
        end_at=timestamp(at + timedelta(hours=1)),
        timestamp=timestamp(at),
    )
    event.fact = Oneof(field="item_listed", value=fact)
    return event


def extended(*, seq: int, at: datetime = NOON, item_id: str = VASE) -> pb.Event:
    """Soft close moved the end."""
    event = _event(item_id, seq, at)
    fact = pb.AuctionExtended(
        item_id=item_id, seq=seq, end_at=timestamp(at + timedelta(minutes=1)), timestamp=timestamp(at)
    )
    event.fact = Oneof(field="auction_extended", value=fact)
    return event


def cancelled(*, seq: int, at: datetime = NOON, item_id: str = VASE) -> pb.Event:
    """The seller withdrew the item."""
    event = _event(item_id, seq, at)
    fact = pb.AuctionCancelled(item_id=item_id, seq=seq, seller_id=SELLER, timestamp=timestamp(at))
    event.fact = Oneof(field="auction_cancelled", value=fact)
    return event


def body(events: Iterable[pb.Event]) -> bytes:
    """A message body of some events."""
    return pb.EventBatch(events=list(events)).to_binary()
