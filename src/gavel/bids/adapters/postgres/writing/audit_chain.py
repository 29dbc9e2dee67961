"""Digest chain of an item's log: a digest covers its row and the digest before it, so no row changes alone.

The covered text is a JSON array of the table's name and its columns in the table's order, without spaces, in ASCII,
times as microseconds since 1970. The first row follows the digest of the item's terms. Maxima and reserves are covered,
and two digests allow guesses at amounts: digests are shown to operators only.
"""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json.encoder import encode_basestring_ascii

from gavel.bids.domain.auction import ItemId, Terms
from gavel.bids.domain.events import BidPlaced

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """A time as microseconds since 1970, as a row's text has it."""
    return (at - _EPOCH) // _MICROSECOND


_encode = json.JSONEncoder(separators=(",", ":"), default=microseconds).encode


def row_text(table: str, *columns: object) -> str:
    """The text of a row that its digest covers; the columns are all of the table's except the digest."""
    return _encode((table, *columns))


def text_digest(text: object) -> str:
    """The digest of a text of an item, or of its images, in hexadecimal digits."""
    return sha256(_encode(text).encode()).hexdigest()


def bid_text(bid: BidPlaced, at_microseconds: int, traceparent: str | None) -> str:
    """Make row_text of a row of `bids`, in a third of the time: every bid pays for it under the lock."""
    outbid = f'"{bid.outbid_user_id}"' if bid.outbid_user_id else "null"
    return (
        f'["bids","{bid.item_id}",{bid.seq},"{bid.user_id}",{bid.amount},{bid.maximum},'
        f"{'true' if bid.automatic else 'false'},{at_microseconds},{outbid},{bid.bid_count},{bid.minimum_next_bid},"
        f"{(bid.end_at - _EPOCH) // _MICROSECOND},{encode_basestring_ascii(traceparent) if traceparent else 'null'}]"
    )


def terms_digest(item_id: ItemId, terms: Terms) -> bytes:
    """The digest of an item's terms, which its first row follows."""
    soft_close, increment = terms.soft_close, terms.increment
    text = row_text(
        "auctions",
        item_id,
        terms.seller_id,
        terms.currency,
        terms.start_at,
        terms.scheduled_end_at,
        terms.start_price,
        terms.reserve_price,
        terms.buy_now_price,
        soft_close.window_seconds,
        soft_close.extension_seconds,
        soft_close.max_extension_seconds,
        increment.fixed,
        increment.basis_points,
    )
    return sha256(text.encode()).digest()


def chained(previous: bytes, text: str) -> bytes:
    """The digest of a row: 32 bytes that depend on it, and on all rows before it."""
    return sha256(previous + text.encode()).digest()
