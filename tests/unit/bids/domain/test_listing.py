"""Listing an item: what a new auction must agree to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gavel.bids.domain.auction import SoftClose, Status
from gavel.bids.domain.events import ItemListed
from gavel.bids.domain.increments import AMOUNT_MAX, BidIncrement
from gavel.bids.domain.listing import AUCTION_DAYS_MAX, Draft, list_item, request_digest
from gavel.bids.domain.refusals import InvalidInput
from gavel.bids.domain.texts import Listing
from tests.unit.bids.auctions import ANNA, END, ITEM, MICROSECOND, MIDWAY, SELLER, START, bid, seconds

NOW = START
DRAFT = Draft(seller_id=SELLER, listing=Listing(title="A vase"), end_at=END, start_price=1_000)


def _refused_field(draft: Draft) -> str:
    with pytest.raises(InvalidInput) as refusal:
        list_item(draft, ITEM, NOW, "USD")
    assert str(refusal.value) == f"{refusal.value.field}: {refusal.value.problem}"
    return refusal.value.field


def _terms(**changes: Any) -> Draft:
    return replace(DRAFT, **changes)


def _texts(**changes: Any) -> Draft:
    return replace(DRAFT, listing=replace(DRAFT.listing, **changes))


def _soft(window: int, extension: int, most: int = 1_800) -> Draft:
    rule = SoftClose(window_seconds=window, extension_seconds=extension, max_extension_seconds=most)
    return _terms(soft_close=rule)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        pytest.param(_terms(end_at=NOW - seconds(1)), "end_at", id="an end in the past"),
        pytest.param(_terms(end_at=NOW), "end_at", id="an end at this moment"),
        pytest.param(_terms(start_at=END + seconds(1)), "end_at", id="an end before the start"),
        pytest.param(_terms(start_at=END), "end_at", id="an end at the start"),
        pytest.param(_terms(end_at=NOW + timedelta(AUCTION_DAYS_MAX, 1)), "end_at", id="an end too far ahead"),
        pytest.param(_terms(end_at=datetime.max.replace(tzinfo=UTC)), "end_at", id="the end of time"),
        pytest.param(_terms(start_price=0), "start_price", id="a start price of 0"),
        pytest.param(_terms(start_price=-1), "start_price", id="a negative start price"),
        pytest.param(_terms(start_price=AMOUNT_MAX + 1), "start_price", id="a start price above all amounts"),
        pytest.param(_terms(reserve_price=999), "reserve_price", id="a reserve below the start price"),
        pytest.param(_terms(reserve_price=-1), "reserve_price", id="a negative reserve"),
        pytest.param(_terms(reserve_price=AMOUNT_MAX + 1), "reserve_price", id="a reserve above all amounts"),
        pytest.param(_terms(buy_now_price=999), "buy_now_price", id="a buy-now price below the start price"),
        pytest.param(
            _terms(reserve_price=2_000, buy_now_price=1_999), "buy_now_price", id="a buy-now price below the reserve"
        ),
        pytest.param(_terms(buy_now_price=-1), "buy_now_price", id="a negative buy-now price"),
        pytest.param(_terms(buy_now_price=AMOUNT_MAX + 1), "buy_now_price", id="a buy-now price above all amounts"),
        pytest.param(_terms(increment=BidIncrement(fixed=-1)), "bid_increment.fixed", id="a negative increment"),
        pytest.param(_terms(increment=BidIncrement(fixed=AMOUNT_MAX + 1)), "bid_increment.fixed", id="a huge one"),
        pytest.param(
            _terms(increment=BidIncrement(basis_points=-1)), "bid_increment.basis_points", id="a negative share"
        ),
        pytest.param(
            _terms(increment=BidIncrement(basis_points=10_001)), "bid_increment.basis_points", id="more than doubling"
        ),
        pytest.param(_soft(-1, 60), "soft_close.window_seconds", id="a negative window"),
        pytest.param(_soft(86_401, 60), "soft_close.window_seconds", id="a window of more than a day"),
        pytest.param(_soft(60, 0), "soft_close.extension_seconds", id="a window without an extension"),
        pytest.param(_soft(60, -1), "soft_close.extension_seconds", id="a negative extension"),
        pytest.param(_soft(0, -1), "soft_close.extension_seconds", id="a negative extension without a window"),
        pytest.param(_soft(60, 86_401), "soft_close.extension_seconds", id="an extension of more than a day"),
        pytest.param(_soft(60, 60, -1), "soft_close.max_extension_seconds", id="a negative most"),
        pytest.param(_soft(60, 60, 86_401), "soft_close.max_extension_seconds", id="a most of more than a day"),
        pytest.param(_texts(title=""), "title", id="an empty title"),
        pytest.param(_texts(title=" \t\n"), "title", id="a title of nothing but space"),
        pytest.param(_texts(title="x" * 201), "title", id="a title of 201 characters"),
        pytest.param(_texts(title="x" * 10_000_000), "title", id="a title of 10 MB"),
        pytest.param(_texts(title="a\x00b"), "title", id="a title with NUL"),
        pytest.param(_texts(description="x" * 10_001), "description", id="a description of 10,001 characters"),
        pytest.param(_texts(description="\x00"), "description", id="a description with NUL"),
        pytest.param(_texts(category="x" * 65), "category", id="a category of 65 characters"),
        pytest.param(_texts(category="\x00"), "category", id="a category with NUL"),
        pytest.param(_texts(images=("/a.jpg",) * 21), "images", id="21 images"),
        pytest.param(_texts(images=("/" + "x" * 2_048,)), "images", id="an address of 2,049 characters"),
        pytest.param(_texts(images=("",)), "images", id="an empty address"),
        pytest.param(_texts(images=("/\x00",)), "images", id="an address with NUL"),
        pytest.param(_texts(images=("javascript:alert(1)",)), "images", id="a script"),
        pytest.param(_texts(images=(" JavaScript:alert(1)",)), "images", id="a script after a space"),
        pytest.param(_texts(images=("java\nscript:alert(1)",)), "images", id="a script in two lines"),
        pytest.param(_texts(images=("data:text/html,x",)), "images", id="data"),
        pytest.param(_texts(images=("https://",)), "images", id="an address without a host"),
        pytest.param(_texts(images=("/a.jpg", "HTTPS:///a.jpg")), "images", id="a path where the host belongs"),
        pytest.param(_texts(images=("https:a.jpg",)), "images", id="a scheme before a path"),
        pytest.param(_texts(images=("https:",)), "images", id="a scheme alone"),
        pytest.param(_texts(images=("https://:443/a.jpg",)), "images", id="a port without a host"),
        pytest.param(_texts(images=("https://user@/a.jpg",)), "images", id="a user without a host"),
        pytest.param(_texts(images=("https://?a.jpg",)), "images", id="a query where the host belongs"),
        pytest.param(_texts(images=("https:// /a.jpg",)), "images", id="a space as a host"),
        pytest.param(_texts(images=("https://a.example:port/a.jpg",)), "images", id="a port that is no number"),
        pytest.param(_texts(images=("https://[::1/a.jpg",)), "images", id="a bracket that stays open"),
        pytest.param(_texts(images=("//",)), "images", id="a host that is left out"),
        pytest.param(_texts(images=("///a.jpg",)), "images", id="two slashes before a path"),
        pytest.param(_texts(category=" "), "category", id="a category of a space"),
        pytest.param(_texts(category="\t\n\u00a0"), "category", id="a category of nothing but space"),
    ],
)
def test_what_no_auction_could_accept_is_refused_with_the_field_to_mend(draft: Draft, field: str) -> None:
    assert _refused_field(draft) == field


@pytest.mark.parametrize(
    "draft",
    [
        pytest.param(DRAFT, id="nothing but what is needed"),
        pytest.param(_terms(start_price=1), id="the least start price"),
        pytest.param(_terms(start_price=AMOUNT_MAX, reserve_price=AMOUNT_MAX, buy_now_price=AMOUNT_MAX), id="the most"),
        pytest.param(_terms(reserve_price=1_000, buy_now_price=1_000), id="all prices the same"),
        pytest.param(_terms(end_at=NOW + MICROSECOND), id="the shortest auction"),
        pytest.param(_terms(end_at=NOW + timedelta(AUCTION_DAYS_MAX)), id="the longest auction"),
        pytest.param(_soft(0, 0, 0), id="soft close switched off"),
        pytest.param(_soft(86_400, 86_400, 86_400), id="the widest soft close"),
        pytest.param(_terms(increment=BidIncrement(AMOUNT_MAX, 10_000)), id="the largest increment"),
        pytest.param(_texts(title="x" * 200, description="y" * 10_000, category="z" * 64), id="the longest texts"),
        pytest.param(_texts(title="😀" * 200), id="characters are counted, not bytes"),
        pytest.param(_texts(title="a\nb \u202eabc '; DROP TABLE items; <script>"), id="texts are taken literally"),
        pytest.param(_texts(images=("/a.jpg",) * 20), id="20 images"),
        pytest.param(_texts(images=("https://a.example/b:c.jpg", "HTTP://a.example/")), id="addresses"),
        pytest.param(_texts(images=("http://[::1]:80/a", "https://a.example", "//a.example/b.jpg")), id="hosts"),
        pytest.param(_texts(images=("https://b\u00fccher.example/\u00fc.jpg",)), id="a host with another letter"),
        pytest.param(_texts(category=" Vases & pots "), id="a category with space around it"),
        pytest.param(_texts(images=("/a.jpg", "b.jpg", "b/c:d.jpg")), id="paths"),
    ],
)
def test_what_is_within_the_limits_is_listed(draft: Draft) -> None:
    decision = list_item(draft, ITEM, NOW, "USD")
    assert decision.events == (ItemListed(ITEM, 1, NOW, draft.listing.title),)
    assert (decision.auction.seq, decision.auction.revision, decision.auction.end_at) == (1, 1, draft.end_at)


def test_the_terms_are_those_of_the_draft_in_the_house_currency() -> None:
    rule = SoftClose(window_seconds=1, extension_seconds=2, max_extension_seconds=3)
    draft = _terms(reserve_price=2_000, buy_now_price=3_000, soft_close=rule, increment=BidIncrement(7, 8))
    terms = list_item(draft, ITEM, NOW, "CHF").auction.terms
    assert (terms.seller_id, terms.currency, terms.scheduled_end_at) == (SELLER, "CHF", END)
    assert (terms.start_price, terms.reserve_price, terms.buy_now_price) == (1_000, 2_000, 3_000)
    assert (terms.soft_close, terms.increment) == (rule, BidIncrement(7, 8))


@pytest.mark.parametrize(
    ("start_at", "starts_at", "status"),
    [
        (None, NOW, Status.ACTIVE),
        (NOW - timedelta(days=400), NOW, Status.ACTIVE),
        (NOW, NOW, Status.ACTIVE),
        (MIDWAY, MIDWAY, Status.SCHEDULED),
    ],
)
def test_an_auction_starts_now_or_later(start_at: datetime | None, starts_at: datetime, status: Status) -> None:
    auction = list_item(_terms(start_at=start_at), ITEM, NOW, "USD").auction
    assert auction.terms.start_at == starts_at
    assert auction.status_at(NOW) is status


def test_a_listed_item_takes_its_first_bid() -> None:
    assert bid(list_item(DRAFT, ITEM, NOW, "USD").auction, ANNA, 1_000).auction.leader_id == ANNA


def test_times_are_judged_by_the_clock_that_is_handed_in() -> None:
    assert list_item(DRAFT, ITEM, END - MICROSECOND, "USD").auction.seq == 1
    with pytest.raises(InvalidInput) as refusal:
        list_item(DRAFT, ITEM, END, "USD")
    assert refusal.value.field == "end_at"


def test_a_retry_repeats_all_that_was_asked_for_and_its_digest_shows_nothing_of_it() -> None:
    asked = _terms(reserve_price=744_596_877)
    others = [
        replace(asked, seller_id=ANNA),
        replace(asked, end_at=END + MICROSECOND),
        replace(asked, start_price=1_001),
        replace(asked, start_at=MIDWAY),
        replace(asked, reserve_price=744_596_878),
        replace(asked, buy_now_price=744_596_877),
        replace(asked, soft_close=SoftClose(window_seconds=0)),
        replace(asked, increment=BidIncrement(0, 1)),
        *(
            replace(asked, listing=replace(asked.listing, **{name: text}))
            for name, text in (("title", "A vas"), ("description", "e"), ("images", ("/a", "/b")), ("category", "x"))
        ),
    ]
    digests = {request_digest(draft) for draft in (asked, *others)}
    assert len(digests) == len(others) + 1
    assert request_digest(replace(asked)) == request_digest(asked)
    assert {(len(digest), "744596877" in digest) for digest in digests} == {(64, False)}


def test_the_digest_of_a_request_is_that_of_earlier_releases() -> None:
    """Or a retry that spans an upgrade would be refused."""
    draft = Draft(
        seller_id=SELLER,
        listing=Listing(title="A vase", description="blue", images=("/a.png",), category="art"),
        end_at=END,
        start_price=1_000,
        start_at=START,
        reserve_price=5_000,
        buy_now_price=9_000,
        soft_close=SoftClose(window_seconds=30, extension_seconds=20, max_extension_seconds=100),
        increment=BidIncrement(5, 100),
    )
    assert request_digest(draft) == "09326d2de06b6dfff7be4ad7829e60f25a8b7fd3453c1d9ed5cfde92f177bcc2"
