"""Listing rules: the checks on a new auction that every later decision relies on."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from gavel.bids.domain.auction import ItemId, SoftClose, Terms, UserId, new_auction
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import ItemListed
from gavel.bids.domain.increments import AMOUNT_MAX, AMOUNT_MIN, BASIS_POINTS_MAX, BidIncrement, is_amount
from gavel.bids.domain.refusals import InvalidInput
from gavel.bids.domain.texts import Listing, check_listing

SOFT_CLOSE_SECONDS_MAX = 86_400
# A bound, so that an end plus its extensions is a date that every component can represent.
AUCTION_DAYS_MAX = 3_660

HOUSE_SOFT_CLOSE = SoftClose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An item that a seller asks to list. `start_at` None means now; prices in minor units, 0 for none.

    The reserve is left out of the repr, so that no log line can show it.
    """

    seller_id: UserId
    listing: Listing
    end_at: datetime
    start_price: int
    start_at: datetime | None = None
    reserve_price: int = field(default=0, repr=False)
    buy_now_price: int = 0
    soft_close: SoftClose = HOUSE_SOFT_CLOSE
    increment: BidIncrement = BidIncrement()


def request_digest(draft: Draft) -> str:
    """Digest the whole draft, the reserve included: a retry must repeat it."""
    by_name = {"soft_close": draft.soft_close._asdict(), "increment": draft.increment._asdict()}
    text = json.dumps(asdict(draft) | by_name, sort_keys=True, default=datetime.isoformat)
    return sha256(text.encode()).hexdigest()


def list_item(draft: Draft, item_id: ItemId, at: datetime, currency: str) -> Decision:
    """Open an auction for a draft at `at`, the database's clock. Raises InvalidInput with the field to correct."""
    check_listing(draft.listing)
    _check_prices(draft)
    _check_soft_close(draft.soft_close)
    _check_increment(draft.increment)
    terms = Terms(
        seller_id=draft.seller_id,
        currency=currency,
        start_at=max(draft.start_at or at, at),
        scheduled_end_at=draft.end_at,
        start_price=draft.start_price,
        reserve_price=draft.reserve_price,
        buy_now_price=draft.buy_now_price,
        soft_close=draft.soft_close,
        increment=draft.increment,
    )
    _check_times(terms, at)
    return Decision(new_auction(item_id, terms), at, (ItemListed(item_id, 1, at, draft.listing.title),))


def _check_prices(draft: Draft) -> None:
    _require(is_amount(draft.start_price), "start_price", f"must be {AMOUNT_MIN} to {AMOUNT_MAX} minor units")
    for name, price in (("reserve_price", draft.reserve_price), ("buy_now_price", draft.buy_now_price)):
        _require(0 <= price <= AMOUNT_MAX, name, f"must be 0 (none) to {AMOUNT_MAX} minor units")
        _require(price == 0 or price >= draft.start_price, name, "must be at least the start price")
    if draft.buy_now_price:
        _require(draft.buy_now_price >= draft.reserve_price, "buy_now_price", "must be at least the reserve price")


def _check_times(terms: Terms, at: datetime) -> None:
    _require(terms.scheduled_end_at > at, "end_at", "must lie ahead")
    _require(terms.scheduled_end_at > terms.start_at, "end_at", "must be after start_at")
    latest = at + timedelta(days=AUCTION_DAYS_MAX)
    _require(terms.scheduled_end_at <= latest, "end_at", f"must be within {AUCTION_DAYS_MAX} days")


def _check_soft_close(rule: SoftClose) -> None:
    for name, seconds in (
        ("window_seconds", rule.window_seconds),
        ("extension_seconds", rule.extension_seconds),
        ("max_extension_seconds", rule.max_extension_seconds),
    ):
        in_range = 0 <= seconds <= SOFT_CLOSE_SECONDS_MAX
        _require(in_range, f"soft_close.{name}", f"must be 0 to {SOFT_CLOSE_SECONDS_MAX}")
    if rule.window_seconds:
        _require(rule.extension_seconds >= 1, "soft_close.extension_seconds", "must be at least 1")


def _check_increment(increment: BidIncrement) -> None:
    _require(0 <= increment.fixed <= AMOUNT_MAX, "bid_increment.fixed", f"must be 0 to {AMOUNT_MAX} minor units")
    _require(
        0 <= increment.basis_points <= BASIS_POINTS_MAX,
        "bid_increment.basis_points",
        f"must be 0 to {BASIS_POINTS_MAX}",
    )


def _require(holds: bool, name: str, problem: str) -> None:
    if not holds:
        raise InvalidInput(name, problem)
