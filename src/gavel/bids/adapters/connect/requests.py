"""Parse requests for the use cases. Input that no auction could accept raises InvalidInput, which names the field."""

from datetime import UTC, datetime

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.bids.domain.auction import ActorId, ItemId, SoftClose, Status, UserId, canonical_uuid
from gavel.bids.domain.bidding import NewBid, new_bid
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import HOUSE_SOFT_CLOSE, Draft, Listing
from gavel.bids.domain.refusals import InvalidInput
from gavel.bids.domain.texts import ListingChanges, listing_changes
from gavel.bids.feed.watch_items import check_watched
from gavel.bids.ports.leaderboards import LEADERBOARD_ENTRIES_MAX
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.calls import Call

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 100
LEADERBOARD_ENTRIES_DEFAULT = 10
KEY_CHARACTERS_MAX = 128

_STATUSES = {
    pb.ItemStatus.UNSPECIFIED: Status.ACTIVE,
    pb.ItemStatus.ACTIVE: Status.ACTIVE,
    pb.ItemStatus.ENDED: Status.ENDED,
    pb.ItemStatus.CANCELLED: Status.CANCELLED,
    pb.ItemStatus.SCHEDULED: Status.SCHEDULED,
}
_CHANGEABLE = frozenset(("title", "description", "images", "category"))


def item_id_of(text: str, field: str = "item_id") -> ItemId:
    """Parse an item's id to its canonical spelling. Raises InvalidInput."""
    return ItemId(_uuid(text, field))


def user_id_of(text: str, field: str = "user_id") -> UserId:
    """Parse a user's id to its canonical spelling. Raises InvalidInput."""
    return UserId(_uuid(text, field))


def actor_id_of(call: Call, text: str, field: str = "user_id") -> ActorId:
    """The user that a call acts as: the one that its token proves, else the one that its body names.

    Raises InvalidInput, or ConnectError if the caller may not act for that user, or not now.
    """
    return ActorId(UserId(call.acting_as(user_id_of(text or call.proven_user_id or "", field))))


def _uuid(text: str, field: str) -> str:
    canonical = canonical_uuid(text)
    if canonical is None:
        raise InvalidInput(field, "must be a UUID of 36 characters, such as 123e4567-e89b-42d3-a456-426614174000")
    return canonical


def idempotency_key_of(call: Call, field: str) -> str:
    """The idempotency key, from its field or the Idempotency-Key header; empty without one.

    Raises InvalidInput if they differ, or if it is not 1 to 128 printable characters.
    """
    header = call.idempotency_key
    if field and header and field != header:
        raise InvalidInput("idempotency_key", "differs from the Idempotency-Key header")
    key = field or header
    if len(key) > KEY_CHARACTERS_MAX or not key.isprintable():
        raise InvalidInput("idempotency_key", f"must be 1 to {KEY_CHARACTERS_MAX} printable characters")
    return key


def page_size_of(asked: int) -> int:
    """Number of entries on a page: 20 by default, 100 at most. Raises InvalidInput."""
    if asked < 0:
        raise InvalidInput("page_size", f"must be 0 (for {PAGE_SIZE_DEFAULT}) to {PAGE_SIZE_MAX}")
    return min(asked or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def board_limit_of(asked: int) -> int:
    """Number of bidders on a board: 10 by default, 100 at most. Raises InvalidInput."""
    if asked < 0:
        raise InvalidInput("limit", f"must be 0 (for {LEADERBOARD_ENTRIES_DEFAULT}) to {LEADERBOARD_ENTRIES_MAX}")
    return min(asked or LEADERBOARD_ENTRIES_DEFAULT, LEADERBOARD_ENTRIES_MAX)


def status_of(status: pb.ItemStatus) -> Status:
    """The status to list by, active by default. Raises InvalidInput."""
    found = _STATUSES.get(status)
    if found is None:
        raise InvalidInput("status", "is none that an item can have")
    return found


def bid_of(bidder_id: ActorId, request: pb.PlaceBidRequest) -> NewBid:
    """Parse the bid to place. Raises InvalidInput."""
    return new_bid(bidder_id, request.amount, request.max_amount)


def draft_of(seller_id: ActorId, request: pb.CreateItemRequest) -> Draft:
    """Parse the item to list. Raises InvalidInput; what needs the clock is checked by the decision."""
    if request.end_at is None:
        raise InvalidInput("end_at", "is required")
    return Draft(
        seller_id=seller_id,
        listing=Listing(
            title=request.title,
            description=request.description,
            images=tuple(request.images),
            category=request.category,
        ),
        start_at=None if request.start_at is None else _time_of(request.start_at, "start_at"),
        end_at=_time_of(request.end_at, "end_at"),
        start_price=request.start_price,
        reserve_price=request.reserve_price,
        buy_now_price=request.buy_now_price,
        soft_close=_soft_close_of(request.soft_close),
        increment=_increment_of(request.bid_increment),
    )


def changes_of(request: pb.UpdateItemRequest) -> ListingChanges:
    """The texts to set: those that the mask names, empty if not in the request; without a mask, those in the request.

    An empty mask counts as no mask. Raises InvalidInput.
    """
    brought = {name for name in ("title", "description", "category") if request.has_field(name)}
    if request.images:
        brought.add("images")
    named = set(request.update_mask.paths) if request.update_mask is not None else set[str]()
    if not named <= _CHANGEABLE:
        raise InvalidInput("update_mask", f"may name {', '.join(sorted(_CHANGEABLE))}")
    texts = {"title": request.title, "description": request.description, "category": request.category}
    fields = named or brought
    return listing_changes(
        **{name: text for name, text in texts.items() if name in fields},
        images=request.images if "images" in fields else None,
    )


def watched_of(request: pb.WatchItemsRequest) -> dict[ItemId, int]:
    """The items to watch, each with the seq after which to start. Raises InvalidInput."""
    item_ids = [item_id_of(position.item_id, "items.item_id") for position in request.items]
    check_watched(item_ids)
    if any(position.after_seq < 0 for position in request.items):
        raise InvalidInput("items.after_seq", "must be 0 (for a snapshot) or the seq of the last event that you know")
    return {item_id: position.after_seq for item_id, position in zip(item_ids, request.items, strict=True)}


def _time_of(value: Timestamp, field: str) -> datetime:
    try:
        # The database keeps times in microseconds.
        return datetime.fromtimestamp(value.seconds, UTC).replace(microsecond=value.nanos // 1_000)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidInput(field, "is no time between the years 1 and 9999") from error


def _soft_close_of(message: pb.SoftClose | None) -> SoftClose:
    if message is None:
        return HOUSE_SOFT_CLOSE
    return SoftClose(
        window_seconds=message.window_seconds,
        extension_seconds=message.extension_seconds,
        max_extension_seconds=message.max_extension_seconds or HOUSE_SOFT_CLOSE.max_extension_seconds,
    )


def _increment_of(message: pb.BidIncrement | None) -> BidIncrement:
    return BidIncrement() if message is None else BidIncrement(message.fixed, message.basis_points)
