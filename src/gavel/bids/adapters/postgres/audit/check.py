"""Check one item's log from its terms to its last row. Findings name what is wrong, without its values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from gavel.bids.adapters.postgres.writing.audit_chain import chained, terms_digest
from gavel.bids.domain.auction import Auction, ItemId, UserId

# Findings kept for one item. The rest are only counted.
FINDINGS_SHOWN_MAX = 100
# What bidders see of an item besides its auction.
TEXTS = ("title", "description", "images", "category")
NO_TEXTS: Mapping[str, str] = {}


class State(NamedTuple):
    """The state of an auction right after a row of the log."""

    price: int
    leader_id: UserId | None
    bid_count: int
    end_at: datetime


class LogRow(NamedTuple):
    """A row of the log: its position in the item's order, the text that its digest covers, and its content.

    `revision` is 0 for an event, so that changes without an event come after the event of their seq. `state` is None
    for those changes; `maximum` is None if a row sets none. `texts` are digests of the texts that it sets.
    """

    item_id: ItemId
    seq: int
    revision: int
    table: str
    at: datetime
    text: str
    digest: bytes | None
    state: State | None = None
    maximum: int | None = None
    kind: str = ""
    texts: Mapping[str, str] = NO_TEXTS


class Anchor(NamedTuple):
    """The end of an item's log, as noted at an earlier time."""

    seq: int
    revision: int
    digest: bytes


class AuditedAuction(NamedTuple):
    """An item's rows: the state that bidding led to, the digest that its log must end with, digests of the texts."""

    auction: Auction
    digest: bytes | None
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """An inconsistency: where it is, and what is wrong."""

    place: str
    what: str


class ItemCheck:
    """Check of an item's rows in order, then of their end; `findings` is empty if all is right.

    Rows without a digest are valid only before the first that has one, and only until `chain_start`.
    """

    def __init__(
        self, item_id: ItemId, audited: AuditedAuction | None, anchors: Sequence[Anchor], chain_start: datetime
    ) -> None:
        self.item_id = item_id
        self.findings: list[Finding] = []
        self.wrong = self.covered = self.uncovered = 0
        self._audited = audited
        self._anchors = sorted(anchors)
        self._chain_start = chain_start
        self._digest: bytes | None = None
        self._last: LogRow | None = None
        self._last_event: LogRow | None = None
        self._maximum = self._seq = 0
        self._maximum_known = True
        self._texts: dict[str, str] = {}

    def take(self, row: LogRow) -> None:
        """Check the next row against those before it."""
        while self._anchors and (row.seq, row.revision) > self._anchors[0][:2]:
            self._check_anchor(self._anchors.pop(0))
        complete = self._check_seq(row)
        if row.digest is None:
            self._check_uncovered(row)
        else:
            self.covered += 1
            if complete:
                self._check_link(row, row.digest)
            self._digest = row.digest
        self._last = row
        if row.state is not None:
            self._last_event = row
        # Changes from before the chain began have no seq, and come before the listing that they followed.
        self._texts = {**row.texts, **self._texts} if row.kind == "listed" else {**self._texts, **row.texts}
        if row.maximum is not None:
            self._maximum = row.maximum
            # Raises from before the chain began can't be placed among the bids.
            self._maximum_known &= row.state is not None or row.digest is not None

    def finish(self) -> None:
        """Check the end of the log."""
        for anchor in self._anchors:
            self._check_anchor(anchor)
        if self._audited is None:
            self._find("auctions", "no auction has these rows")
            return
        auction = self._audited.auction
        if self._seq < auction.seq:
            self._find(f"seq {_numbers(self._seq + 1, auction.seq)}", "missing, at the end of the log")
            return
        if self._audited.digest != self._digest:
            self._find("auctions", "the log does not end with the auction's digest: rows at its end are missing or new")
        if differing := self._differing(auction):
            self._find("auctions", f"differs from the log: {', '.join(differing)}")
        texts = self._audited.texts
        if differing := [text for text, logged in self._texts.items() if texts.get(text) != logged]:
            self._find("listings", f"differs from the log: {', '.join(differing)}")

    def _check_seq(self, row: LogRow) -> bool:
        """Check the row's seq; return whether no event before the row is missing."""
        event = row.state is not None
        if not event and row.digest is None:
            return True
        expected = self._seq + 1 if event else self._seq
        if row.seq > expected:
            self._find(f"seq {_numbers(self._seq + 1, row.seq - 1 if event else row.seq)}", "missing")
        elif row.seq < expected:
            self._find(_place(row), "out of order: another row has its place")
        complete = row.seq <= expected
        self._seq = max(self._seq, row.seq)
        return complete

    def _check_uncovered(self, row: LogRow) -> None:
        if self._digest is None and row.at <= self._chain_start:
            self.uncovered += 1
        else:
            self._find(_place(row), "has no digest, and is younger than rows that have")

    def _check_link(self, row: LogRow, digest: bytes) -> None:
        previous = self._digest
        if previous is None and self._audited is not None:
            previous = terms_digest(self.item_id, self._audited.auction.terms)
        if previous is None or chained(previous, row.text) == digest:
            return
        if self._last is not None and row.at < self._last.at:
            self._find(_place(row), "out of order: it is older than the row before it, and does not follow from it")
        elif self._digest is None:
            self._find(_place(row), "does not follow from the item's terms: it or they were changed")
        else:
            self._find(_place(row), "does not follow from the row before it: changed, or a change between is missing")

    def _check_anchor(self, anchor: Anchor) -> None:
        if self._digest != anchor.digest:
            self._find(
                f"seq {anchor.seq}, revision {anchor.revision}", "the log up to here differs from the noted head"
            )

    def _differing(self, auction: Auction) -> list[str]:
        """The columns of the auction's row that its log contradicts. Never their values, one of which is hidden."""
        event = self._last_event
        if event is None or event.state is None:
            return []
        pairs = {
            "seq": (auction.seq, event.seq),
            "price": (auction.price, event.state.price),
            "leader_id": (auction.leader_id, event.state.leader_id),
            "leader_maximum": (
                auction.leader_maximum,
                self._maximum if self._maximum_known else auction.leader_maximum,
            ),
            "bid_count": (auction.bid_count, event.state.bid_count),
            "end_at": (auction.end_at, event.state.end_at),
            "closed_at": (auction.closed_at, event.at if event.kind == "closed" else None),
            "cancelled_at": (auction.cancelled_at, event.at if event.kind == "cancelled" else None),
        }
        return [column for column, (stored, logged) in pairs.items() if stored != logged]

    def _find(self, place: str, what: str) -> None:
        self.wrong += 1
        if len(self.findings) < FINDINGS_SHOWN_MAX:
            self.findings.append(Finding(place, what))


def _numbers(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"


def _place(row: LogRow) -> str:
    return f"{row.table}, {f'revision {row.revision}' if row.revision else f'seq {row.seq}'}"
