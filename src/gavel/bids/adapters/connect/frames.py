"""Frames for watchers in each of Connect's two encodings. All watchers of an encoding get the same bytes."""

from datetime import datetime
from typing import Literal

from protobuf import Oneof

from gavel.bids.adapters.connect.messages import item_message
from gavel.bids.domain.auction import event_id
from gavel.bids.domain.feed_events import FeedEvent, FeedKind
from gavel.bids.ports.catalogue import ItemView
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.connect.protocol import StrictCodec, envelope
from gavel.runtime.http.streams import chunk
from gavel.runtime.timestamps import timestamp

What = (
    Oneof[Literal["bid_placed"], pb.Bid]
    | Oneof[Literal["extended"], pb.AuctionExtended]
    | Oneof[Literal["closed"], pb.Outcome]
    | Oneof[Literal["cancelled"], pb.Cancelled]
)


class ConnectFrames:
    """Frames in one encoding. Each is an HTTP chunk that holds one message of a Connect stream."""

    def __init__(self, codec: StrictCodec) -> None:
        self._codec = codec

    def event(self, event: FeedEvent, at: datetime) -> bytes:
        """See Frames.event."""
        message = item_event_message(event)
        return self._frame(
            pb.WatchItemsResponse(server_time=timestamp(max(at, event.at)), update=Oneof(field="event", value=message))
        )

    def snapshot(self, item: ItemView, at: datetime) -> bytes:
        """See Frames.snapshot."""
        message = item_message(item, at)
        return self._frame(
            pb.WatchItemsResponse(server_time=timestamp(at), update=Oneof(field="snapshot", value=message))
        )

    def heartbeat(self, at: datetime) -> bytes:
        """See Frames.heartbeat."""
        return self._frame(
            pb.WatchItemsResponse(server_time=timestamp(at), update=Oneof(field="heartbeat", value=pb.Heartbeat()))
        )

    def _frame(self, message: pb.WatchItemsResponse) -> bytes:
        return chunk(envelope(self._codec.encode(message)))


def item_event_message(event: FeedEvent) -> pb.ItemEvent:
    """The public message of an event, with the state right after it."""
    return pb.ItemEvent(
        item_id=event.item_id,
        seq=event.seq,
        what=_what(event),
        current_highest_bid=event.price,
        minimum_next_bid=event.minimum_next_bid,
        highest_bidder_id=event.leader_id or "",
        end_at=timestamp(event.end_at),
        bid_count=event.bid_count,
    )


def _what(event: FeedEvent) -> What:
    match event.kind:
        case FeedKind.BID_PLACED:
            bid = pb.Bid(
                id=event_id(event.item_id, event.seq, event.at),
                item_id=event.item_id,
                user_id=event.leader_id or "",
                amount=event.price,
                created_at=timestamp(event.at),
                seq=event.seq,
                automatic=event.automatic,
            )
            return Oneof(field="bid_placed", value=bid)
        case FeedKind.EXTENDED:
            return Oneof(field="extended", value=pb.AuctionExtended(end_at=timestamp(event.end_at)))
        case FeedKind.CLOSED:
            outcome = pb.Outcome(
                sold=event.sold,
                winner_id=(event.leader_id or "") if event.sold else "",
                amount=event.price if event.sold else 0,
                closed_at=timestamp(event.at),
            )
            return Oneof(field="closed", value=outcome)
        case FeedKind.CANCELLED:
            return Oneof(field="cancelled", value=pb.Cancelled())
