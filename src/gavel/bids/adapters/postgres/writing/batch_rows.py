"""Parameters of write_decisions.sql, from what a batch decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.writing.audit_chain import bid_text, chained, microseconds, row_text, terms_digest
from gavel.bids.domain.auction import Auction, ItemId, UserId
from gavel.bids.domain.decision import Decision, RetryKey
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.ports.book import Change

# A row of one of the types in 0007_row_types.sql.
Row = tuple[object, ...]

_LOG_KINDS: dict[type[Event], str] = {
    ItemListed: "listed",
    AuctionExtended: "extended",
    AuctionClosed: "closed",
    AuctionCancelled: "cancelled",
}


class DecidedRows:
    """Rows that a batch of decisions writes, all with the time `at`, in the order of the decisions.

    `digests` has the last digest of each item's log, if there is one; it goes on with the rows that are added.
    """

    def __init__(self, at: datetime, digests: Mapping[ItemId, bytes]) -> None:
        self.auctions: dict[ItemId, Auction] = {}
        # The parameters of change_listings.sql after its first, the time. A statement can't write a row of texts twice.
        self.changes: list[Row] = []
        self.texts: dict[ItemId, Row] = {}
        self._at = at
        self._at_microseconds = microseconds(at)
        self.digests = dict(digests)
        self._revisions_before: dict[ItemId, int] = {}
        self._recorded: list[RecordedEvent] = []
        self._bids: list[Row] = []
        self._events: list[Row] = []
        self._raises: list[Row] = []
        self._standings: dict[tuple[ItemId, UserId], tuple[ItemId, UserId, int, int, int, int]] = {}
        self._keys: list[Row] = []

    def add(self, before: Auction, decision: Decision, key: RetryKey | None, traceparent: str) -> None:
        """Add one decision; only the last state of an auction is written."""
        auction, request = decision.auction, traceparent or None
        self.auctions[auction.item_id] = auction
        self._revisions_before.setdefault(auction.item_id, before.revision)
        if auction.item_id not in self.digests:
            self.digests[auction.item_id] = terms_digest(auction.item_id, auction.terms)
        for event in decision.events:
            self._recorded.append(RecordedEvent(event, auction.terms, traceparent))
            if isinstance(event, BidPlaced):
                self._bids.append(self._bid_row(event, request))
                self._stand(event.item_id, event.user_id, event.amount, event.maximum, 1, event.seq)
            else:
                self._events.append(self._event_row(event, auction, request))
        if decision.raised_maximum and auction.leader_id is not None:
            self._raises.append(self._raise_row(auction, auction.leader_id, request))
            raised_to = (auction.price, auction.leader_maximum, 0, auction.last_bid_seq)
            self._stand(auction.item_id, auction.leader_id, *raised_to)
        if decision.changes is not None:
            self.changes.append(self._change_row(auction, decision.changes, request))
        if key is not None:
            self._keys.append((auction.item_id, key.user_id, key.key, key.request, decision.bid_seq))

    def committed(self) -> list[Change]:
        """The changes to pass to listeners once the rows are committed."""
        events: dict[ItemId, list[Event]] = {}
        for recorded in self._recorded:
            events.setdefault(recorded.event.item_id, []).append(recorded.event)
        with_texts = {row[0] for row in self.changes}
        return [
            Change(auction, self._revisions_before[item_id], tuple(events.get(item_id, ())), item_id in with_texts)
            for item_id, auction in self.auctions.items()
        ]

    def arguments(self) -> list[Sequence[Row]]:
        """The parameters of write_decisions.sql after its first, the time."""
        return [
            [self._state_row(auction) for auction in self.auctions.values()],
            self._bids,
            self._events,
            self._raises,
            list(self._standings.values()),
            self._keys,
            [(message.routing_key, message.event_count, message.body) for message in outbox_messages(self._recorded)],
        ]

    def _stand(self, item_id: ItemId, user_id: UserId, amount: int, maximum: int, bids: int, last_bid_seq: int) -> None:
        """Keep one row for each bidder and item of the batch: a statement can't write a row twice."""
        earlier = self._standings.get((item_id, user_id))
        bids += earlier[4] if earlier else 0
        self._standings[item_id, user_id] = (item_id, user_id, amount, maximum, bids, last_bid_seq)

    def _chain(self, item_id: ItemId, text: str) -> bytes:
        """The digest of the item's next log row."""
        digest = self.digests[item_id] = chained(self.digests[item_id], text)
        return digest

    def _state_row(self, after: Auction) -> Row:
        return (
            after.item_id,
            after.price,
            after.leader_id,
            after.leader_maximum,
            after.bid_count,
            after.last_bid_seq,
            after.seq,
            after.revision,
            after.end_at,
            after.cancelled_at,
            after.closed_at,
            self.digests[after.item_id],
        )

    def _bid_row(self, bid: BidPlaced, request: str | None) -> Row:
        return (
            bid.item_id,
            bid.seq,
            bid.user_id,
            bid.amount,
            bid.maximum,
            bid.automatic,
            bid.outbid_user_id,
            bid.bid_count,
            bid.minimum_next_bid,
            bid.end_at,
            request,
            self._chain(bid.item_id, bid_text(bid, self._at_microseconds, request)),
        )

    def _event_row(self, event: Event, after: Auction, request: str | None) -> Row:
        """Row of an event other than a bid. It follows its decision's bids: the state after it is the one decided."""
        which = (event.item_id, event.seq, _LOG_KINDS[type(event)])
        state = (after.price, after.leader_id, after.bid_count, after.minimum_next_bid, after.end_at)
        rest = (isinstance(event, AuctionClosed) and event.sold, request)
        text = row_text("item_events", *which, self._at, *state, *rest, None)
        return (*which, *state, *rest, self._chain(event.item_id, text))

    def _raise_row(self, after: Auction, leader_id: UserId, request: str | None) -> Row:
        which = (after.item_id, after.revision, leader_id, after.leader_maximum)
        text = row_text("maximum_raises", *which, self._at, request, after.seq)
        return (*which, request, after.seq, self._chain(after.item_id, text))

    def _change_row(self, after: Auction, texts: ListingChanges, request: str | None) -> Row:
        item_id, revision, seq = after.item_id, after.revision, after.seq
        set_anew = (texts.title, texts.description, texts.images, texts.category)
        by_whom = (item_id, revision, after.terms.seller_id, self._at)
        digest = self._chain(item_id, row_text("listing_changes", *by_whom, *set_anew, request, seq))
        before = self.texts.get(item_id, (item_id, None, None, None, None))[1:]
        self.texts[item_id] = (
            item_id,
            *(old if new is None else new for new, old in zip(set_anew, before, strict=True)),
        )
        return (item_id, revision, after.terms.seller_id, *set_anew, request, seq, digest)
