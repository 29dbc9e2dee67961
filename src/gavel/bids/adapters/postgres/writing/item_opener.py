"""Create items: an auction, its texts and its first event, written by one statement."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import asyncpg

from gavel.bids.adapters.postgres.connections import borrowed
from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.rows import auction_of
from gavel.bids.adapters.postgres.writing.audit_chain import chained, row_text, terms_digest, text_digest
from gavel.bids.adapters.postgres.writing.batch_runner import CommitNotifier
from gavel.bids.domain.decision import Answer, Decision, RetryKey
from gavel.bids.domain.refusals import KeyReused
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Call, Change, DeadlineExceeded
from gavel.runtime.postgres.connections import load_sql

_READ_OPENED = load_sql(__package__, "read_opened")
_OPEN_AUCTION = load_sql(__package__, "open_auction")


class ItemOpener:
    """Opener of auctions on a connection pool. A new item has no row to lock, so it needs no lane."""

    def __init__(self, pool: asyncpg.Pool, notifier: CommitNotifier) -> None:
        self._pool = pool
        self._notifier = notifier

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open. The clock is read first, since no lock can be waited for in between."""
        try:
            async with asyncio.timeout_at(call.deadline_seconds):
                async with borrowed(self._pool, "the item may not have been listed") as connection:
                    opened = await _open(connection, open_at, listing, call, key)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        if isinstance(opened, Answer):
            return opened
        if self._notifier.has_listeners:
            self._notifier.notify([Change(opened.auction, 0, opened.events, texts_changed=True)])
        return Answer(opened.auction, opened.at, bid=None)


async def _open(
    connection: asyncpg.Connection,
    open_at: Callable[[datetime], Decision],
    listing: Listing,
    call: Call,
    key: RetryKey | None,
) -> Decision | Answer:
    """Store a new auction, or answer with the one that its key already opened. Raises KeyReused."""
    at, opened = await _read_opened(connection, key)
    if opened is not None:
        return opened
    decision = open_at(at)
    try:
        await connection.execute(_OPEN_AUCTION, *opening_parameters(decision, listing, call.traceparent, key))
    except asyncpg.UniqueViolationError:
        # Another call with the key came first. Postgres has waited for its commit, so its auction is there.
        _, opened = await _read_opened(connection, key)
        if opened is None:
            raise
        return opened
    return decision


async def _read_opened(connection: asyncpg.Connection, key: RetryKey | None) -> tuple[datetime, Answer | None]:
    """The database's clock, and the auction that the key opened, in its present state. Raises KeyReused."""
    [row] = await connection.fetch(_READ_OPENED, *((key.user_id, key.key) if key else (None, None)))
    if key is None or row["request"] is None:
        return row["at"], None
    if row["request"] != key.request:
        raise KeyReused
    return row["at"], Answer(auction_of(row), row["at"], bid=None, replayed=True)


def opening_parameters(
    decision: Decision, listing: Listing, traceparent: str = "", key: RetryKey | None = None
) -> tuple[object, ...]:
    """The parameters of open_auction.sql."""
    auction, terms = decision.auction, decision.auction.terms
    listed = (auction.minimum_next_bid, auction.end_at, False, traceparent or None)
    digests = (text_digest(listing.description), text_digest(listing.images))
    texts = (listing.title, listing.category, *digests)
    text = row_text("item_events", auction.item_id, 1, "listed", decision.at, 0, None, 0, *listed, *texts)
    [message] = outbox_messages([RecordedEvent(event, terms, traceparent) for event in decision.events])
    return (
        auction.item_id,
        terms.seller_id,
        terms.currency,
        listing.category,
        decision.at,
        terms.start_at,
        terms.scheduled_end_at,
        terms.start_price,
        terms.reserve_price,
        terms.buy_now_price,
        terms.soft_close.window_seconds,
        terms.soft_close.extension_seconds,
        terms.soft_close.max_extension_seconds,
        terms.increment.fixed,
        terms.increment.basis_points,
        listing.title,
        listing.description,
        listing.images,
        traceparent or None,
        message.routing_key,
        message.event_count,
        message.body,
        chained(terms_digest(auction.item_id, terms), text),
        *((key.key, key.request) if key else (None, None)),
        *map(bytes.fromhex, digests),
    )
