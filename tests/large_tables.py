"""A bid_db as it is after years: items of every status and the log of their bids, copied in past the guards."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

import asyncpg

BIDS_OF_AN_ITEM = 12
BIDDERS_OF_AN_ITEM = 3
# Of 10 items: ended, taking bids, scheduled; of 100 one is cancelled.
_ENDED, _OPEN = range(5), range(5, 8)
_LINES_AT_ONCE = 20_000

_AUCTION_COLUMNS = """
item_id seller_id currency category created_at updated_at start_at scheduled_end_at end_at start_price
reserve_price buy_now_price soft_close_window_seconds soft_close_extension_seconds
soft_close_max_extension_seconds increment_fixed increment_basis_points price leader_id leader_maximum bid_count
last_bid_seq seq revision cancelled_at closed_at
"""
_BID_COLUMNS = "item_id seq user_id amount maximum automatic created_at bid_count minimum_next_bid end_at"
_EVENT_COLUMNS = "item_id seq kind created_at price leader_id bid_count minimum_next_bid end_at sold title"
_STANDING_COLUMNS = "item_id user_id amount maximum bid_count last_bid_seq last_bid_at"
_LISTING_COLUMNS = "item_id title description images"


@dataclass(frozen=True, slots=True)
class _Item:
    item_id: str
    number: int
    created_at: datetime
    start_at: datetime
    end_at: datetime
    bids: int
    bidders: int
    cancelled_at: datetime | None = None
    closed_at: datetime | None = None


class LargeTables:
    """The rows: `items` of them, 10 bids for each on average, one item with a twentieth of all bids.

    `hot_id` is that item, `rare` a category of few items, `bidder` and `seller` users with many.
    """

    rare = "rare"

    def __init__(self, items: int, now: datetime) -> None:
        self._count = items
        self._now = now
        self._random = Random(1)
        self._ids = [self._random.randbytes(16).hex() for _ in range(items)]
        self._users = [self._random.randbytes(16).hex() for _ in range(items // 20)]
        self._sellers = [self._random.randbytes(16).hex() for _ in range(items // 100)]
        self.items = [self._item(number) for number in range(items)]
        self.hot_id = str(UUID(self._ids[_OPEN[0]]))
        self.hot_bidders = self.items[_OPEN[0]].bidders
        self.bidder = str(UUID(self._users[0]))
        self.seller = str(UUID(self._sellers[0]))

    def open_count(self) -> int:
        """How many items take bids."""
        return sum(item.number % 10 in _OPEN for item in self.items)

    async def copy(self, connection: asyncpg.Connection) -> None:
        """Fill the tables. The log is written in the order of time, as bidding would; its key is made afterwards."""
        await connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
        await connection.execute("ALTER TABLE bids DROP CONSTRAINT bids_pkey")
        await self._copy(connection, "auctions", _AUCTION_COLUMNS, map(self._auction_line, self.items))
        await self._copy(connection, "listings", _LISTING_COLUMNS, map(self._listing_line, self.items))
        await self._copy(connection, "item_events", _EVENT_COLUMNS, self._event_lines())
        await self._copy(connection, "bids", _BID_COLUMNS, self._bid_lines())
        await self._copy(connection, "standings", _STANDING_COLUMNS, self._standing_lines())
        await connection.execute("ALTER TABLE bids ADD PRIMARY KEY (item_id, seq)", timeout=600)
        await connection.execute("UPDATE auctions SET started = true WHERE start_at <= now()", timeout=600)
        await connection.execute(
            "UPDATE open_auction_counts SET auctions = $1 WHERE part = 0", self.open_count(), timeout=600
        )
        await connection.execute("RESET session_replication_role")
        await connection.execute("VACUUM (ANALYZE) auctions, listings, item_events, bids, standings", timeout=600)

    async def _copy(self, connection: asyncpg.Connection, table: str, columns: str, lines: Iterator[str]) -> None:
        async def parts() -> AsyncGenerator[bytes]:
            while part := "".join(islice(lines, _LINES_AT_ONCE)):
                yield part.encode()
                await asyncio.sleep(0)

        await connection.copy_to_table(table, source=parts(), columns=columns.split(), timeout=1_200)

    def _item(self, number: int) -> _Item:
        now, place = self._now, number / self._count
        kind = number % 10
        created_at = now - timedelta(days=40 - 9 * place)
        bids, bidders = BIDS_OF_AN_ITEM, BIDDERS_OF_AN_ITEM
        if number == _OPEN[0]:
            bids, bidders = self._count // 2, self._count // 50
        if kind in _ENDED:
            end_at = now - timedelta(days=30 - 29 * place)
            return _Item(self._ids[number], number, created_at, created_at, end_at, bids, bidders, closed_at=end_at)
        if kind in _OPEN:
            end_at = now + timedelta(days=2 + 5 * place)
            return _Item(self._ids[number], number, created_at, created_at, end_at, bids, bidders)
        # Scheduled items that end before all that take bids.
        start_at = now + timedelta(hours=1 + 20 * place)
        end_at = start_at + timedelta(hours=1)
        cancelled_at = now - timedelta(days=1) if number % 100 == 99 or number % 100 == 9 else None
        return _Item(self._ids[number], number, created_at, start_at, end_at, 0, 0, cancelled_at)

    def _bidder(self, item: _Item, bid: int) -> str:
        bidder = bid % item.bidders
        if bidder == 0 and item.number % 10_000 < 10:
            return self._users[0]
        return self._users[1 + (item.number * 7 + bidder) % (len(self._users) - 1)]

    def _category(self, number: int) -> str:
        return self.rare if number % (self._count // 40) < 10 else f"category {number % 50}"

    def _auction_line(self, item: _Item) -> str:
        bids, ends = item.bids, item.closed_at is not None or item.cancelled_at is not None
        leader = self._bidder(item, bids) if bids else None
        last_bid_seq = bids + 1 if bids else 0
        seq = bids + 1 + ends
        seller = self._sellers[item.number % len(self._sellers)]
        return _line(
            item.item_id, seller, "USD", self._category(item.number), item.created_at, item.created_at, item.start_at,
            item.end_at, item.end_at, 1, 0, 0, 60, 60, 1800, 1, 0, bids, leader, bids, bids, last_bid_seq, seq, seq,
            item.cancelled_at, item.closed_at,
        )  # fmt: skip

    def _listing_line(self, item: _Item) -> str:
        return _line(item.item_id, f"Item {item.number}", "x" * 300, "{/a.jpg,/b.jpg}")

    def _event_lines(self) -> Iterator[str]:
        for item in self.items:
            yield _line(item.item_id, 1, "listed", item.created_at, 0, None, 0, 1, item.end_at, False, "Item")
            if item.closed_at is not None:
                leader, bids = self._bidder(item, item.bids), item.bids
                yield _line(
                    item.item_id, bids + 2, "closed", item.end_at, bids, leader, bids, bids + 1, item.end_at, True, None
                )

    def _bid_lines(self) -> Iterator[str]:
        """One bid an item and round; the hot item has its many between the rounds."""
        with_bids = [item for item in self.items if item.bids]
        hot = next(item for item in with_bids if item.number == _OPEN[0])
        others = [item for item in with_bids if item is not hot]
        at = self._now - timedelta(days=30, hours=23)
        step = timedelta(hours=20) / (len(others) * BIDS_OF_AN_ITEM + hot.bids)
        share, placed = hot.bids // BIDS_OF_AN_ITEM + 1, 0
        for bid in range(1, BIDS_OF_AN_ITEM + 1):
            for item in others:
                at += step
                yield self._bid_line(item, bid, at)
            for hot_bid in range(placed + 1, min(placed + share, hot.bids) + 1):
                at += step
                yield self._bid_line(hot, hot_bid, at)
            placed += share

    def _bid_line(self, item: _Item, bid: int, at: datetime) -> str:
        user = self._bidder(item, bid)
        return _line(item.item_id, bid + 1, user, bid, bid, False, at, bid, bid + 1, item.end_at)

    def _standing_lines(self) -> Iterator[str]:
        at = self._now - timedelta(days=30)
        for item in self.items:
            latest: dict[str, int] = {}
            for bid in range(max(1, item.bids - item.bidders + 1), item.bids + 1):
                latest[self._bidder(item, bid)] = bid
            for user, bid in latest.items():
                yield _line(item.item_id, user, bid, bid, 1, bid + 1, at)


def _line(*values: object) -> str:
    return "\t".join(["\\N" if value is None else str(value) for value in values]) + "\n"
