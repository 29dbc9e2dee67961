"""Auctions to decide on: fixed people, a fixed clock, and a few words to bring an auction about."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Concatenate, NamedTuple, ParamSpec

from gavel.bids.domain.auction import Auction, ItemId, SoftClose, Terms, UserId, new_auction
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import BidPlaced, Event
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.refusals import BidRefused

Arguments = ParamSpec("Arguments")

ITEM = ItemId("00000000-0000-4000-8000-000000000001")
SELLER = UserId("5e11e500-0000-4000-8000-000000000000")
ANNA = UserId("a0000000-0000-4000-8000-000000000000")
BELA = UserId("b0000000-0000-4000-8000-000000000000")
CARLA = UserId("c0000000-0000-4000-8000-000000000000")
DAVID = UserId("d0000000-0000-4000-8000-000000000000")
BIDDERS = (ANNA, BELA, CARLA, DAVID)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
MIDWAY = START + timedelta(minutes=30)
MICROSECOND = timedelta(microseconds=1)


def seconds(count: float) -> timedelta:
    """A span of time."""
    return timedelta(seconds=count)


def listed(
    *,
    start_price: int = 1_000,
    increment: int = 100,
    reserve_price: int = 0,
    buy_now_price: int = 0,
    soft_close: SoftClose | None = None,
    start_at: datetime = START,
    end_at: datetime = END,
    currency: str = "USD",
) -> Auction:
    """An auction as it stands right after it was listed, with a fixed increment (0: the house table)."""
    terms = Terms(
        seller_id=SELLER,
        currency=currency,
        start_at=start_at,
        scheduled_end_at=end_at,
        start_price=start_price,
        reserve_price=reserve_price,
        buy_now_price=buy_now_price,
        soft_close=soft_close or SoftClose(),
        increment=BidIncrement(fixed=increment),
    )
    return new_auction(ITEM, terms)


def bid(auction: Auction, user_id: UserId, amount: int, maximum: int = 0, *, at: datetime = MIDWAY) -> Decision:
    """Decide a bid, by default half-way through the auction."""
    return place_bid(auction, at, new_bid(user_id, amount, maximum))


def led_by(user_id: UserId, amount: int, maximum: int = 0, *, on: Auction) -> Auction:
    """The auction after an accepted bid."""
    return bid(on, user_id, amount, maximum).auction


def cancelled(auction: Auction) -> Auction:
    """The auction as if it had been cancelled, whatever else holds of it."""
    return auction._replace(cancelled_at=START)


class Row(NamedTuple):
    """A bid row as anyone may see it."""

    user_id: UserId
    amount: int
    automatic: bool


def rows(events: Iterable[Event]) -> list[Row]:
    """The bid rows among the events, in order."""
    return [Row(e.user_id, e.amount, e.automatic) for e in events if isinstance(e, BidPlaced)]


def outcome(
    auction: Auction,
    decide: Callable[Concatenate[Auction, Arguments], Decision],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> tuple[Auction, str | list[Row]]:
    """The auction after a command, and its bid rows; as it was, and the reason, where it was refused."""
    try:
        decision = decide(auction, *args, **kwargs)
    except BidRefused as refusal:
        return auction, refusal.reason.name
    return decision.auction, rows(decision.events)


def visible(event: Event) -> dict[str, object]:
    """What an event tells: its kind and all of its fields but the maximum."""
    told = {name: value for name, value in event._asdict().items() if name != "maximum"}
    return {"kind": type(event).__name__, **told}
