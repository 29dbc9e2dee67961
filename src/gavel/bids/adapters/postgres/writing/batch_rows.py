"""Parameters of write_decisions.sql, from what a batch decided."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.rows import array
from gavel.bids.adapters.postgres.writing.audit_chain import bid_text, chained, microseconds, row_text, terms_digest
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Decision, RetryKey
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.domain.ids import ItemId, UserId
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.ports.book import Change

Columns = list[Sequence[object]]
# A bidder's standing on an item after the batch: amount, maximum, bids that it adds, seq of the last bid.
StandingRow = tuple[int, int, int, int]

_LOG_KINDS: dict[type[Event], str] = {
    ItemListed: "listed",
    AuctionExtended: "extended",
    AuctionClosed: "closed",
    AuctionCancelled: "cancelled",
}


class DecidedRows:
    """Rows that a batch of decisions writes, all with the time `at`, in the order of the decisions.

    `digests` has the last digest of each item's log, if there is one.
    """

    def __init__(self, at: datetime, digests: Mapping[ItemId, bytes]) -> None:
        self.auctions: dict[ItemId, Auction] = {}
        # The parameters of change_listing.sql after its first, the time.
        self.changes: list[tuple[object, ...]] = []
        self._at = at
        self._at_microseconds = microseconds(at)
        self._digests = dict(digests)
        self._revisions_before: dict[ItemId, int] = {}
        self._recorded: list[RecordedEvent] = []
        self._bids: list[tuple[BidPlaced, str | None, bytes]] = []
        self._events: list[tuple[object, ...]] = []
        self._raises: list[tuple[object, ...]] = []
        self._standings: dict[tuple[ItemId, UserId], StandingRow] = {}
        self._keys: list[tuple[object, ...]] = []

    def add(self, before: Auction, decision: Decision, key: RetryKey | None, traceparent: str) -> None:
        """Add one decision; only the last state of an auction is written."""
        auction, request = decision.auction, traceparent or None
        self.auctions[auction.item_id] = auction
        self._revisions_before.setdefault(auction.item_id, before.revision)
        if auction.item_id not in self._digests:
            self._digests[auction.item_id] = terms_digest(auction.item_id, auction.terms)
        for event in decision.events:
            self._recorded.append(RecordedEvent(event, auction.terms, traceparent))
            if isinstance(event, BidPlaced):
                digest = self._chain(event.item_id, bid_text(event, self._at_microseconds, request))
                self._bids.append((event, request, digest))
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

    def arguments(self) -> Columns:
        """The parameters of write_decisions.sql after its first, the time."""
        messages = [(m.routing_key, m.event_count, m.body) for m in outbox_messages(self._recorded)]
        return [
            *_state_columns(self.auctions.values()),
            [self._digests[item_id] for item_id in self.auctions],
            *_bid_columns(self._bids),
            *_columns(self._events, 11),
            *_columns(self._raises, 7),
            *_standing_columns(self._standings),
            *_columns(self._keys, 5),
            *_columns(messages, 3),
        ]

    def _stand(self, item_id: ItemId, user_id: UserId, amount: int, maximum: int, bids: int, last_bid_seq: int) -> None:
        """Keep one row for each bidder and item of the batch: a statement can't write a row twice."""
        earlier = self._standings.get((item_id, user_id))
        self._standings[item_id, user_id] = (amount, maximum, bids + (earlier[2] if earlier else 0), last_bid_seq)

    def _chain(self, item_id: ItemId, text: str) -> bytes:
        """The digest of the item's next log row."""
        digest = self._digests[item_id] = chained(self._digests[item_id], text)
        return digest

    def _event_row(self, event: Event, after: Auction, request: str | None) -> tuple[object, ...]:
        """Row of an event other than a bid. It follows its decision's bids: the state after it is the one decided."""
        which = (event.item_id, event.seq, _LOG_KINDS[type(event)])
        state = (after.price, after.leader_id, after.bid_count, after.minimum_next_bid, after.end_at)
        rest = (isinstance(event, AuctionClosed) and event.sold, request)
        text = row_text("item_events", *which, self._at, *state, *rest, None)
        return (*which, *state, *rest, self._chain(event.item_id, text))

    def _raise_row(self, after: Auction, leader_id: UserId, request: str | None) -> tuple[object, ...]:
        which = (after.item_id, after.revision, leader_id, after.leader_maximum)
        text = row_text("maximum_raises", *which, self._at, request, after.seq)
        return (*which, request, after.seq, self._chain(after.item_id, text))

    def _change_row(self, after: Auction, texts: ListingChanges, request: str | None) -> tuple[object, ...]:
        item_id, revision, seq = after.item_id, after.revision, after.seq
        set_anew = (texts.title, texts.description, texts.images, texts.category)
        by_whom = (item_id, revision, after.terms.seller_id, self._at)
        digest = self._chain(item_id, row_text("listing_changes", *by_whom, *set_anew, request, seq))
        return (item_id, *set_anew, revision, request, seq, digest)


def _columns(rows: Iterable[tuple[object, ...]], width: int) -> Columns:
    return list(zip(*rows, strict=True)) or [()] * width


def _state_columns(auctions: Iterable[Auction]) -> Columns:
    states = list(auctions)
    return [
        array([state.item_id for state in states]),
        array([state.price for state in states]),
        array([state.leader_id for state in states]),
        array([state.leader_maximum for state in states]),
        array([state.bid_count for state in states]),
        array([state.last_bid_seq for state in states]),
        array([state.seq for state in states]),
        array([state.revision for state in states]),
        array([state.end_at for state in states]),
        array([state.cancelled_at for state in states]),
        array([state.closed_at for state in states]),
    ]


def _bid_columns(bids: Sequence[tuple[BidPlaced, str | None, bytes]]) -> Columns:
    return [
        array([bid.item_id for bid, *_ in bids]),
        array([bid.seq for bid, *_ in bids]),
        array([bid.user_id for bid, *_ in bids]),
        array([bid.amount for bid, *_ in bids]),
        array([bid.maximum for bid, *_ in bids]),
        array([bid.automatic for bid, *_ in bids]),
        array([bid.outbid_user_id for bid, *_ in bids]),
        array([bid.bid_count for bid, *_ in bids]),
        array([bid.minimum_next_bid for bid, *_ in bids]),
        array([bid.end_at for bid, *_ in bids]),
        [traceparent for _, traceparent, _ in bids],
        [digest for _, _, digest in bids],
    ]


def _standing_columns(standings: Mapping[tuple[ItemId, UserId], StandingRow]) -> Columns:
    rows = standings.values()
    return [
        array([item_id for item_id, _ in standings]),
        array([user_id for _, user_id in standings]),
        *(array([row[column] for row in rows]) for column in range(4)),
    ]
