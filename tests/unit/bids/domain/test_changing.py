"""What the seller may change: cancel, words and images before the first bid, the category until the end."""

from datetime import datetime
from itertools import combinations

import pytest

from gavel.bids.domain.auction import Auction, Status
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.events import AuctionCancelled
from gavel.bids.domain.refusals import BidRefusal, BidRefused, ChangeRefusal, ChangeRefused, InvalidInput, NotTheSeller
from gavel.bids.domain.texts import ListingChanges, listing_changes
from tests.unit.bids.auctions import (
    ANNA,
    END,
    ITEM,
    MICROSECOND,
    MIDWAY,
    SELLER,
    START,
    bid,
    cancelled,
    led_by,
    listed,
    seconds,
)

ALL_TEXTS = ListingChanges(title="Vase", description="Blue", images=("/a.jpg",), category="china")
BID_ON = led_by(ANNA, 1_000, on=listed())


class TestCancel:
    @pytest.mark.parametrize("at", [START - seconds(60), START, MIDWAY, END - MICROSECOND])
    def test_an_item_without_a_bid_is_cancelled_by_its_seller_before_the_end(self, at: datetime) -> None:
        decision = cancel_item(listed(), at, SELLER)
        assert decision.events == (AuctionCancelled(ITEM, 2, at),)
        assert decision.auction == listed()._replace(cancelled_at=at, seq=2, revision=2)
        assert decision.auction.status_at(at) is Status.CANCELLED

    @pytest.mark.parametrize(
        ("auction", "at", "reason"),
        [
            (BID_ON, MIDWAY, ChangeRefusal.HAS_BIDS),
            (listed(), END, ChangeRefusal.ENDED),
            (BID_ON, END, ChangeRefusal.ENDED),
            (buy_now(listed(buy_now_price=5_000), MIDWAY, ANNA).auction, MIDWAY, ChangeRefusal.ENDED),
        ],
    )
    def test_too_late_is_refused_with_the_reason(self, auction: Auction, at: datetime, reason: ChangeRefusal) -> None:
        with pytest.raises(ChangeRefused) as refusal:
            cancel_item(auction, at, SELLER)
        assert (refusal.value.reason, refusal.value.fields) == (reason, None)
        assert str(refusal.value) == f"the item can't be cancelled any more: {reason.value}"

    @pytest.mark.parametrize("at", [MIDWAY, END])
    def test_a_cancelled_item_stays_as_it_is_when_its_seller_cancels_it_again(self, at: datetime) -> None:
        auction = cancelled(listed())
        decision = cancel_item(auction, at, SELLER)
        assert decision.auction is auction
        assert decision.events == ()

    def test_no_bid_is_taken_on_a_cancelled_item(self) -> None:
        with pytest.raises(BidRefused) as refusal:
            bid(cancel_item(listed(), MIDWAY, SELLER).auction, ANNA, 1_000)
        assert refusal.value.reason is BidRefusal.CANCELLED


class TestUpdate:
    @pytest.mark.parametrize("at", [START - seconds(60), START, END - MICROSECOND])
    def test_every_text_may_be_set_before_the_first_bid(self, at: datetime) -> None:
        decision = update_item(listed(), at, SELLER, ALL_TEXTS)
        assert decision.changes == ALL_TEXTS

    @pytest.mark.parametrize("category", ["", "china"])
    def test_the_category_may_be_set_until_the_end(self, category: str) -> None:
        changes = ListingChanges(category=category)
        assert update_item(BID_ON, END - MICROSECOND, SELLER, changes).changes == changes

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            (ListingChanges(title="New"), ("title",)),
            (ListingChanges(description=""), ("description",)),
            (ListingChanges(images=()), ("images",)),
            (ListingChanges(title="New", category=""), ("title",)),
            (ALL_TEXTS, ("title", "description", "images")),
        ],
    )
    def test_the_first_bid_fixes_texts_and_images(self, changes: ListingChanges, fields: tuple[str, ...]) -> None:
        with pytest.raises(ChangeRefused) as refusal:
            update_item(BID_ON, MIDWAY, SELLER, changes)
        assert (refusal.value.reason, refusal.value.fields) == (ChangeRefusal.HAS_BIDS, fields)
        assert str(refusal.value) == f"{', '.join(fields)}: can't be changed any more: it has bids"

    @pytest.mark.parametrize(
        ("auction", "at", "reason"),
        [
            (listed(), END, ChangeRefusal.ENDED),
            (BID_ON, END, ChangeRefusal.ENDED),
            (cancelled(listed()), MIDWAY, ChangeRefusal.CANCELLED),
        ],
    )
    @pytest.mark.parametrize("changes", [ListingChanges(category="x"), ALL_TEXTS])
    def test_after_the_end_or_a_cancel_nothing_changes(
        self, auction: Auction, at: datetime, reason: ChangeRefusal, changes: ListingChanges
    ) -> None:
        with pytest.raises(ChangeRefused) as refusal:
            update_item(auction, at, SELLER, changes)
        assert (refusal.value.reason, refusal.value.fields) == (reason, changes.fields)
        assert str(refusal.value).endswith(f"can't be changed any more: {reason.value}")

    def test_it_raises_the_revision_and_makes_no_event(self) -> None:
        decision = update_item(BID_ON, MIDWAY, SELLER, ListingChanges(category="china"))
        assert decision.auction == BID_ON._replace(revision=BID_ON.revision + 1)
        assert (decision.events, decision.bid_seq) == ((), 0)

    def test_a_change_sets_at_least_one_text(self) -> None:
        with pytest.raises(InvalidInput) as refusal:
            listing_changes()
        assert str(refusal.value) == "title, description, images, category: at least one must be set, nothing else can"


def test_another_than_the_seller_is_refused_before_all_other_reasons() -> None:
    for auction, at in ((listed(), MIDWAY), (BID_ON, MIDWAY), (cancelled(listed()), MIDWAY), (listed(), END)):
        with pytest.raises(NotTheSeller) as refusal:
            cancel_item(auction, at, ANNA)
        with pytest.raises(NotTheSeller):
            update_item(auction, at, ANNA, ALL_TEXTS)
        assert str(refusal.value) == f"only its seller may change or cancel the item {ITEM}"


def test_a_text_is_changed_only_where_it_is_set() -> None:
    texts: dict[str, object] = {"title": "", "description": "", "images": (), "category": ""}
    for count in range(len(texts) + 1):
        for names in combinations(texts, count):
            assert ListingChanges(**{name: texts[name] for name in names}).fields == names  # type: ignore[arg-type]


def test_changes_are_held_to_the_limits_of_a_listing() -> None:
    assert listing_changes(description="", images=[], category="").images == ()
    for field, value in (("title", " "), ("description", "x" * 10_001), ("images", ["x:y"]), ("category", "\x00")):
        with pytest.raises(InvalidInput) as refusal:
            listing_changes(**{field: value})  # type: ignore[arg-type]
        assert refusal.value.field == field
