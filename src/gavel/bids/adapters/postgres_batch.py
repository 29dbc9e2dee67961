"""One batch of commands as one transaction: lock, read the clock, decide, write, commit."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gavel.bids.adapters.lane import Command
from gavel.bids.adapters.postgres_rows import DecidedRows, auction_of, bid_of
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.ids import ItemId, UserId
from gavel.bids.domain.refusals import ItemNotFound, KeyReused
from gavel.bids.ports import DeadlineExceeded
from gavel.runtime.postgres import load_sql

_LOCK_AUCTIONS = load_sql(__package__, "lock_auctions")
_READ_CLOCK_AND_KEYS = load_sql(__package__, "read_clock_and_keys")
_READ_BIDS_BY_SEQ = load_sql(__package__, "read_bids_by_seq")
_WRITE_DECISIONS = load_sql(__package__, "write_decisions")

KeyId = tuple[ItemId, UserId, str]
BidId = tuple[ItemId, int]


class NotCommitted(Exception):
    """The batch failed before COMMIT was sent: nothing of it happened. The cause tells why.

    `began` is False where not even BEGIN was answered: the connection was stale.
    """

    def __init__(self, *, began: bool) -> None:
        super().__init__("the batch was rolled back")
        self.began = began


class FateUnknown(Exception):
    """COMMIT was sent and no answer came: the batch happened, or it did not. It must not be run again."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command that was decided, and the bid that its answer will show."""

    command: Command
    auction: Auction
    bid_seq: int
    replayed: bool


@dataclass(slots=True)
class _Known:
    """What the batch knows: the auctions under lock and the keys, both evolving, and the clock."""

    auctions: dict[ItemId, Auction]
    keys: dict[KeyId, tuple[str, int]]
    at: datetime


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What to tell whom, once COMMIT has returned: answers, refusals, and the states that are now true."""

    answers: list[tuple[Command, Answer]]
    refusals: list[tuple[Command, Exception]]
    auctions: dict[ItemId, Auction]
    at: datetime


async def commit_batch(connection: asyncpg.Connection, commands: Sequence[Command]) -> BatchOutcome:
    """Decide the commands in order in one transaction. If it rolls back, none of them happened.

    Returns after COMMIT. Raises NotCommitted or FateUnknown; after either the connection may be of no more use.
    """
    began = False
    try:
        await connection.execute("BEGIN")
        began = True
        known = await _lock_and_read(connection, commands)
        accepted, refusals, rows = _decide_each(commands, known)
        if rows.auctions:
            await connection.execute(_WRITE_DECISIONS, known.at, *rows.arguments())
        answers = await _answers(connection, accepted, rows, known.at)
    except Exception as error:
        raise NotCommitted(began=began) from error
    try:
        await connection.execute("COMMIT")
    except Exception as error:
        raise FateUnknown from error
    return BatchOutcome(answers, refusals, known.auctions, known.at)


async def _lock_and_read(connection: asyncpg.Connection, commands: Sequence[Command]) -> _Known:
    item_ids = {command.item_id for command in commands}
    auctions = {row["item_id"]: auction_of(row) for row in await connection.fetch(_LOCK_AUCTIONS, item_ids)}
    named = [(c.item_id, c.key.user_id, c.key.key) for c in commands if c.key is not None]
    columns = list(zip(*named, strict=True)) or [(), (), ()]
    found = await connection.fetch(_READ_CLOCK_AND_KEYS, *columns)
    keys = {
        (row["item_id"], row["user_id"], row["key"]): (row["request"], row["bid_seq"]) for row in found if row["key"]
    }
    return _Known(auctions, keys, found[0]["at"])


def _decide_each(
    commands: Sequence[Command], known: _Known
) -> tuple[list[Accepted], list[tuple[Command, Exception]], DecidedRows]:
    """Run every command on the state that those before it left. What one raises is its own, and changes nothing."""
    accepted: list[Accepted] = []
    refusals: list[tuple[Command, Exception]] = []
    rows, now_seconds = DecidedRows(), asyncio.get_running_loop().time()
    for command in commands:
        try:
            accepted.append(_decide(command, known, rows, now_seconds))
        except Exception as error:  # noqa: BLE001 - handed to the caller whose command it is
            refusals.append((command, error))
    return accepted, refusals, rows


def _decide(command: Command, known: _Known, rows: DecidedRows, now_seconds: float) -> Accepted:
    item_id, key = command.item_id, command.key
    if command.call.deadline_seconds <= now_seconds:
        raise DeadlineExceeded
    auction = known.auctions.get(item_id)
    if auction is None:
        raise ItemNotFound(item_id)
    if key is not None and (first := known.keys.get((item_id, key.user_id, key.key))) is not None:
        return _replay(command, auction, key, first)
    decision: Decision = command.decide(auction, known.at)
    if decision.auction is not auction:
        known.auctions[item_id] = decision.auction
        rows.add(decision, key, command.call.traceparent)
        if key is not None:
            known.keys[item_id, key.user_id, key.key] = key.request, decision.bid_seq
    return Accepted(command, decision.auction, decision.bid_seq, replayed=False)


def _replay(command: Command, auction: Auction, key: RetryKey, first: tuple[str, int]) -> Accepted:
    request, bid_seq = first
    if request != key.request:
        raise KeyReused
    return Accepted(command, auction, bid_seq, replayed=True)


async def _answers(
    connection: asyncpg.Connection, accepted: Sequence[Accepted], rows: DecidedRows, at: datetime
) -> list[tuple[Command, Answer]]:
    """Find the bid that each answer shows: among those just decided, or in the log."""
    bids: dict[BidId, BidPlaced] = {
        (event.item_id, event.seq): event
        for event in (each.event for each in rows.recorded)
        if isinstance(event, BidPlaced)
    }
    wanted = {(a.command.item_id, a.bid_seq) for a in accepted if a.bid_seq} - bids.keys()
    if wanted:
        item_ids, seqs = zip(*wanted, strict=True)
        for row in await connection.fetch(_READ_BIDS_BY_SEQ, item_ids, seqs):
            bids[row["item_id"], row["seq"]] = bid_of(row)
    return [
        (a.command, Answer(a.auction, at, bids[a.command.item_id, a.bid_seq] if a.bid_seq else None, a.replayed))
        for a in accepted
    ]
