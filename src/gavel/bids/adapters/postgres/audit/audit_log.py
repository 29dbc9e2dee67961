"""Read bid_db's log for an audit: every row of every item, beside live traffic, a page of items at a time."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from gavel.bids.adapters.postgres.audit.check import NO_TEXTS, TEXTS, Anchor, AuditedAuction, ItemCheck, LogRow, State
from gavel.bids.adapters.postgres.rows import auction_of
from gavel.bids.adapters.postgres.writing.audit_chain import row_text, text_digest
from gavel.bids.domain.auction import ItemId
from gavel.runtime.postgres.connections import load_sql

_READ_CHAIN_START = load_sql(__package__, "read_chain_start")
_LIST_AUDIT_HEADS = load_sql(__package__, "list_audit_heads")
_READ_AUDITED_AUCTIONS = load_sql(__package__, "read_audited_auctions")
_READ_AUDITED_BIDS = load_sql(__package__, "read_audited_bids")
_READ_AUDITED_EVENTS = load_sql(__package__, "read_audited_events")
_READ_AUDITED_RAISES = load_sql(__package__, "read_audited_raises")
_READ_AUDITED_CHANGES = load_sql(__package__, "read_audited_changes")
# Read rows in the order of their keys: to sort a long log would take its size in temporary files.
_BY_KEY = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off"

FIRST_ID = ItemId("00000000-0000-0000-0000-000000000000")
LAST_ID = ItemId("ffffffff-ffff-ffff-ffff-ffffffffffff")

AUDIT_ITEMS_MAX = 200
# Rows of each table of the log that are held at a time.
AUDIT_ROWS_MAX = 500
HEADS_MAX = 1_000

_Streams = list[AsyncIterator[LogRow]]


async def read_heads(connection: asyncpg.Connection) -> AsyncGenerator[tuple[ItemId, Anchor]]:
    """Yield the end of each item's log, by id, HEADS_MAX at a time; logs without a digest are left out."""
    item_id = FIRST_ID
    while rows := await connection.fetch(_LIST_AUDIT_HEADS, item_id, HEADS_MAX):
        for row in rows:
            item_id = ItemId(row["item_id"])
            yield item_id, Anchor(row["seq"], row["revision"], row["digest"])


async def check_log(
    connection: asyncpg.Connection, first: ItemId, last: ItemId, anchors: Mapping[ItemId, Sequence[Anchor]]
) -> AsyncGenerator[ItemCheck]:
    """Yield the finished check of each item from `first` to `last` that has an auction or a row of the log.

    Each page of AUDIT_ITEMS_MAX items is of one snapshot; AUDIT_ROWS_MAX rows a table are held at a time.
    """
    chain_start: datetime = await connection.fetchval(_READ_CHAIN_START)
    following: ItemId | None = first
    while following is not None:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_BY_KEY)
            records = await connection.fetch(_READ_AUDITED_AUCTIONS, following, last, AUDIT_ITEMS_MAX)
            until = ItemId(records[-1]["item_id"]) if len(records) == AUDIT_ITEMS_MAX else last
            checks: dict[ItemId, ItemCheck] = {}
            for record in records:
                item_id = ItemId(record["item_id"])
                audited = AuditedAuction(auction_of(record), record["digest"], _texts_of(record))
                checks[item_id] = ItemCheck(item_id, audited, anchors.get(item_id, ()), chain_start)
            check: ItemCheck | None = None
            async for row in _in_order(_streams(connection, following, until)):
                if check is None or check.item_id != row.item_id:
                    if check is not None:
                        check.finish()
                        yield check
                    check = checks.pop(row.item_id, None)
                    if check is None:
                        check = ItemCheck(row.item_id, None, anchors.get(row.item_id, ()), chain_start)
                check.take(row)
            for left in (*([check] if check else []), *checks.values()):
                left.finish()
                yield left
        following = _after(until) if until != last else None


def _after(item_id: ItemId) -> ItemId:
    return ItemId(str(UUID(int=UUID(item_id).int + 1)))


def _streams(connection: asyncpg.Connection, first: ItemId, last: ItemId) -> _Streams:
    kinds: list[tuple[str, Callable[[asyncpg.Record], LogRow]]] = [
        (_READ_AUDITED_BIDS, _bid_row),
        (_READ_AUDITED_EVENTS, _event_row),
        (_READ_AUDITED_RAISES, _raise_row),
        (_READ_AUDITED_CHANGES, _change_row),
    ]
    return [_stream(connection, statement, row_of, first, last) for statement, row_of in kinds]


async def _stream(
    connection: asyncpg.Connection,
    statement: str,
    row_of: Callable[[asyncpg.Record], LogRow],
    first: ItemId,
    last: ItemId,
) -> AsyncGenerator[LogRow]:
    async for record in connection.cursor(statement, first, last, prefetch=AUDIT_ROWS_MAX):
        yield row_of(record)


async def _in_order(streams: _Streams) -> AsyncGenerator[LogRow]:
    """Merge the rows of all tables in the order of their chain."""
    waiting = [(row, stream) for stream in streams if (row := await anext(stream, None)) is not None]
    while waiting:
        place = min(range(len(waiting)), key=lambda number: waiting[number][0][:3])
        row, stream = waiting[place]
        yield row
        following = await anext(stream, None)
        if following is None:
            del waiting[place]
        else:
            waiting[place] = following, stream


def _bid_row(row: asyncpg.Record) -> LogRow:
    state = State(row["amount"], row["user_id"], row["bid_count"], row["end_at"])
    return _log_row("bids", row, row[:-1], state=state, maximum=row["maximum"])


def _event_row(row: asyncpg.Record) -> LogRow:
    state = State(row["price"], row["leader_id"], row["bid_count"], row["end_at"])
    *columns, category, description, images, _ = row
    texts: dict[str, str] = {}
    if row["title"] is not None:
        texts["title"] = text_digest(row["title"])
    if category is not None:
        columns += [category, description, images]
        texts |= {"category": text_digest(category), "description": description, "images": images}
    return _log_row("item_events", row, columns, state=state, kind=row["kind"], texts=texts)


def _raise_row(row: asyncpg.Record) -> LogRow:
    return _log_row("maximum_raises", row, row[:-1], revision=row["revision"], maximum=row["maximum"])


def _change_row(row: asyncpg.Record) -> LogRow:
    return _log_row("listing_changes", row, row[:-1], revision=row["revision"], texts=_texts_of(row))


def _texts_of(row: asyncpg.Record) -> dict[str, str]:
    """The digests of the texts that a row sets."""
    return {text: text_digest(row[text]) for text in TEXTS if row[text] is not None}


def _log_row(
    table: str,
    row: asyncpg.Record,
    covered: Sequence[object],
    *,
    revision: int = 0,
    state: State | None = None,
    maximum: int | None = None,
    kind: str = "",
    texts: Mapping[str, str] = NO_TEXTS,
) -> LogRow:
    place = (ItemId(row["item_id"]), row["seq"] or 0, revision)
    text = row_text(table, *covered)
    return LogRow(*place, table, row["created_at"], text, row["digest"], state, maximum, kind, texts)
