"""Events that the read side counts, with the fields that it needs.

`traceparent` is the W3C trace context of the request behind a fact, where its trace is followed; else empty.
"""

from dataclasses import dataclass
from datetime import datetime

from gavel.userstats.domain.ids import EventId, ItemId, UserId

AMOUNT_MAX = 10**15


@dataclass(frozen=True, slots=True)
class BidPlaced:
    """A bid was accepted, an automatic or a buy-now one included. Amounts are minor units."""

    event_id: EventId
    at: datetime
    item_id: ItemId
    user_id: UserId
    amount: int
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class ItemSold:
    """An auction closed with a winner."""

    event_id: EventId
    at: datetime
    item_id: ItemId
    seller_id: UserId
    winner_id: UserId
    amount: int
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class NothingToCount:
    """An event that changes no totals: listed, extended, cancelled, closed unsold."""

    event_id: EventId
    at: datetime
    traceparent: str = ""


Event = BidPlaced | ItemSold | NothingToCount
