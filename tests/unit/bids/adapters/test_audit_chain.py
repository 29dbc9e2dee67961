"""What a digest covers, in one form only."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.adapters.postgres.writing.audit_chain import bid_text, chained, microseconds, row_text
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.increments import AMOUNT_MAX

AMOUNTS = st.integers(1, AMOUNT_MAX)
IDS = st.uuids().map(str)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given a zone
TRACEPARENTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)


@st.composite
def bids(draw: st.DrawFn) -> BidPlaced:
    """Any bid."""
    return BidPlaced(
        ItemId(draw(IDS)),
        draw(AMOUNTS),
        draw(TIMES),
        UserId(draw(IDS)),
        draw(AMOUNTS),
        draw(AMOUNTS),
        draw(st.booleans()),
        draw(st.none() | IDS.map(UserId)),
        draw(AMOUNTS),
        draw(AMOUNTS),
        draw(TIMES),
    )


@given(bids(), TRACEPARENTS)
def test_the_text_of_a_bid_that_is_decided_is_the_text_of_the_row_that_is_read(
    bid: BidPlaced, traceparent: str | None
) -> None:
    columns = (
        bid.item_id,
        bid.seq,
        bid.user_id,
        bid.amount,
        bid.maximum,
        bid.automatic,
        bid.at,
        bid.outbid_user_id,
        bid.bid_count,
        bid.minimum_next_bid,
        bid.end_at,
        traceparent,
    )
    assert bid_text(bid, microseconds(bid.at), traceparent) == row_text("bids", *columns)


def test_the_form_stays_what_it_is_or_every_chain_would_be_broken() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    item_id, user_id = str(UUID(int=1)), str(UUID(int=2))
    text = row_text("listing_changes", item_id, 7, user_id, at, 'A "title" — 🎉', None, ("a.png", "b.png"), "", None, 6)
    assert text == (
        f'["listing_changes","{item_id}",7,"{user_id}",1767323045000678,"A \\"title\\" \\u2014 \\ud83c\\udf89",null,'
        '["a.png","b.png"],"",null,6]'
    )
    assert chained(bytes(32), text) == sha256(bytes(32) + text.encode()).digest()


@given(st.lists(st.none() | st.text() | st.integers() | st.booleans(), max_size=4))
def test_other_columns_never_make_the_same_text(columns: list[object]) -> None:
    assert json.loads(row_text("bids", *columns)) == ["bids", *columns]


@given(TIMES)
def test_a_time_is_covered_to_the_microsecond_whatever_its_zone(at: datetime) -> None:
    assert microseconds(at + timedelta(microseconds=1)) == microseconds(at) + 1
