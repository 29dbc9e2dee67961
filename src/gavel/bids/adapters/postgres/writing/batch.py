"""One batch of commands as one transaction: lock, read the clock, decide, write, commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import NamedTuple

import asyncpg

from gavel.bids.adapters.postgres.failures import FateUnknown, NotCommitted
from gavel.bids.adapters.postgres.rows import auction_of, bid_of
from gavel.bids.adapters.postgres.writing.batch_rows import DecidedRows
from gavel.bids.adapters.postgres.writing.lane import Command
from gavel.bids.domain.auction import Auction, ItemId, UserId, canonical_uuid
from gavel.bids.domain.decision import Answer, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.refusals import ItemNotFound, KeyReused
from gavel.bids.ports.book import DeadlineExceeded
from gavel.runtime.postgres.connections import load_sql

# A lane computes for milliseconds between two statements. One that is silent for longer hangs, and others wait for its
# locks. They wait a little longer than that, and then get through.
LANE_SILENCE_SECONDS_MAX = 4
LANE_STATEMENT_SECONDS_MAX = 5.0

_TUNE_LANE_SESSION = load_sql(__package__, "tune_lane_session")
_LOCK_FREE_AUCTIONS = load_sql(__package__, "lock_free_auctions")
_LOCK_AUCTION = load_sql(__package__, "lock_auction")
_READ_LOCKED = load_sql(__package__, "read_locked")
_READ_BIDS_BY_SEQ = load_sql(__package__, "read_bids_by_seq")
_WRITE_DECISIONS = load_sql(__package__, "write_decisions")
_CHANGE_LISTINGS = load_sql(__package__, "change_listings")

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

KeyId = tuple[ItemId, UserId, str]


class SeenState(NamedTuple):
    """A committed state of an auction, the last digest of its log (None for one without), and when it was seen.

    `at` is the database's clock, `seconds` the event loop's at the same moment.
    """

    auction: Auction
    digest: bytes | None
    at: datetime
    seconds: float

    def now(self) -> datetime:
        """The database's clock then, advanced by the monotonic clock."""
        return self.at + timedelta(seconds=asyncio.get_running_loop().time() - self.seconds)


SeenStates = Callable[[ItemId], SeenState | None]


@dataclass(frozen=True, slots=True)
class BatchTimes:
    """Times of a batch by `perf_counter`: begun, locks held, written, committed."""

    begun_seconds: float
    locked_seconds: float
    written_seconds: float
    committed_seconds: float


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """Result of a batch once COMMIT has returned: answers, refusals, and the states that are now committed.

    `skipped` are commands that were not decided, because another transaction holds their items.
    """

    answers: list[tuple[Command, Answer]]
    refusals: list[tuple[Command, Exception]]
    skipped: list[Command]
    auctions: dict[ItemId, Auction]
    at: datetime
    rows: DecidedRows
    times: BatchTimes


@dataclass(slots=True)
class _Known:
    """State of a batch: locked auctions and keys, both evolving, the last digests of their logs, the clock.

    `held` are auctions that another transaction has locked.
    """

    auctions: dict[ItemId, Auction]
    held: set[ItemId]
    digests: dict[ItemId, bytes]
    keys: dict[KeyId, tuple[str, int]]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Unread:
    """A command whose answer is a bid that it did not make: an earlier one, to be read from the log."""

    command: Command
    auction: Auction
    bid_seq: int
    replayed: bool


@dataclass(slots=True)
class _Decided:
    """Results of a batch's commands, before they are written."""

    answers: list[tuple[Command, Answer]]
    unread: list[_Unread]
    refusals: list[tuple[Command, Exception]]
    skipped: list[Command]
    rows: DecidedRows


async def prepare_session(connection: asyncpg.Connection) -> None:
    """Prepare the lane's connection: settings, a lock statement that waits for nothing, and plans ahead of any bid."""
    await _prepare(connection, _LOCK_FREE_AUCTIONS)


async def prepare_side_session(connection: asyncpg.Connection) -> None:
    """Prepare a side connection, whose lock statement waits. Its batches are of one item, so it waits in no circle."""
    await _prepare(connection, _LOCK_AUCTION)


async def _prepare(connection: asyncpg.Connection, lock_statement: str) -> None:
    await connection.execute(_TUNE_LANE_SESSION, f"{LANE_SILENCE_SECONDS_MAX}s")
    await connection.execute(f"PREPARE lock_auctions AS {lock_statement}")
    await connection.fetch(_READ_LOCKED, "{}", "{}", "{}", (), (), (), ())
    await connection.execute(_WRITE_DECISIONS, _ANY_TIME, *DecidedRows(_ANY_TIME, {}).arguments())


async def commit_batch(connection: asyncpg.Connection, commands: Sequence[Command], seen: SeenStates) -> BatchOutcome:
    """Decide the commands in order in one transaction. If it rolls back, none of them happened.

    `seen` are states that this process saw committed: those that still stand are not read again. Returns after COMMIT.
    Raises NotCommitted, with the transaction still open, or FateUnknown.
    """
    decided = None
    begun_seconds = perf_counter()
    try:
        known = await _lock_and_read(connection, commands, seen)
        locked_seconds = perf_counter()
        decided = _decide_each(commands, known)
        await _write(connection, decided.rows, known.at)
        await _read_unread(connection, decided, known.at)
        written_seconds = perf_counter()
        if not decided.rows.auctions:
            # Nothing was written: there is nothing to flush, and the outcome is certain.
            await connection.execute("ROLLBACK", timeout=LANE_STATEMENT_SECONDS_MAX)
    except Exception as error:
        raise NotCommitted(decided=decided is not None) from error
    if decided.rows.auctions:
        await _commit(connection)
    times = BatchTimes(begun_seconds, locked_seconds, written_seconds, perf_counter())
    answers, refusals, skipped = decided.answers, decided.refusals, decided.skipped
    return BatchOutcome(answers, refusals, skipped, known.auctions, known.at, decided.rows, times)


def _id_array(ids: Iterable[str]) -> str:
    """Format canonical ids as the text of a Postgres array, which costs less than the driver's own."""
    return "{" + ",".join(ids) + "}"


async def _lock_and_read(connection: asyncpg.Connection, commands: Sequence[Command], seen: SeenStates) -> _Known:
    # The ids are in the text of the statement, which saves a round trip for BEGIN: hence only canonical ids.
    known_ids = {item_id for item_id in {c.item_id for c in commands} if canonical_uuid(item_id) == item_id}
    item_ids = _id_array(known_ids)
    states = {item_id: state for item_id in known_ids if (state := seen(item_id)) is not None}
    lock = f"BEGIN ISOLATION LEVEL READ COMMITTED; EXECUTE lock_auctions ('{item_ids}')"
    await connection.execute(lock, timeout=LANE_STATEMENT_SECONDS_MAX)
    named = [(c.item_id, c.key) for c in commands if c.key is not None and c.item_id in known_ids]
    found = await connection.fetch(
        _READ_LOCKED,
        item_ids,
        _id_array(item_id for item_id, _ in named),
        _id_array(key.user_id for _, key in named),
        [key.key for _, key in named],
        [states[item_id].digest if item_id in states else None for item_id in known_ids],
        [states[item_id].auction.end_at if item_id in states else None for item_id in known_ids],
        [states[item_id].auction.revision if item_id in states else None for item_id in known_ids],
        timeout=LANE_STATEMENT_SECONDS_MAX,
    )
    known = _Known({}, set(), {}, {}, found[0]["at"])
    for row in found:
        if row["item_id"] is None:
            continue
        item_id = ItemId(row["item_id"])
        if not row["locked"]:
            known.held.add(item_id)
            continue
        if item_id not in known.auctions:
            known.auctions[item_id] = states[item_id].auction if row["currency"] is None else auction_of(row)
            if row["digest"] is not None:
                known.digests[item_id] = row["digest"]
        if row["key"] is not None:
            known.keys[item_id, UserId(row["key_user_id"]), row["key"]] = row["request"], row["key_bid_seq"]
    return known


def _decide_each(commands: Sequence[Command], known: _Known) -> _Decided:
    """Decide every command on the state that those before it left. One that raises gets its error, changing nothing."""
    decided = _Decided([], [], [], [], DecidedRows(known.at, known.digests))
    now_seconds = asyncio.get_running_loop().time()
    for command in commands:
        if command.item_id in known.held:
            decided.skipped.append(command)
            continue
        try:
            _decide(command, known, decided, now_seconds)
        except Exception as error:  # noqa: BLE001 - handed to the caller whose command it is
            decided.refusals.append((command, error))
    return decided


def _decide(command: Command, known: _Known, decided: _Decided, now_seconds: float) -> None:
    item_id, key = command.item_id, command.key
    if command.call.deadline_seconds <= now_seconds or command.settled:
        raise DeadlineExceeded
    auction = known.auctions.get(item_id)
    if auction is None:
        raise ItemNotFound(item_id)
    if key is not None and (first := known.keys.get((item_id, key.user_id, key.key))) is not None:
        decided.unread.append(_replay(command, auction, key, first))
        return
    decision = command.decide(auction, known.at)
    after, bid_seq = decision.auction, decision.bid_seq
    if after is not auction:
        known.auctions[item_id] = after
        decided.rows.add(auction, decision, key, command.call.traceparent)
        if key is not None:
            known.keys[item_id, key.user_id, key.key] = key.request, bid_seq
    bid = _bid_made(decision)
    if bid_seq and bid is None:
        decided.unread.append(_Unread(command, after, bid_seq, replayed=False))
    else:
        decided.answers.append((command, Answer(after, known.at, bid)))


def _bid_made(decision: Decision) -> BidPlaced | None:
    """The decision's own event that its answer shows; None if that is an earlier one or there is none."""
    for event in decision.events:
        if event.seq == decision.bid_seq and isinstance(event, BidPlaced):
            return event
    return None


def _replay(command: Command, auction: Auction, key: RetryKey, first: tuple[str, int]) -> _Unread:
    request, bid_seq = first
    if request != key.request:
        raise KeyReused
    return _Unread(command, auction, bid_seq, replayed=True)


async def _write(connection: asyncpg.Connection, rows: DecidedRows, at: datetime) -> None:
    # Texts first: once the same batch closes or cancels an auction, it can't change.
    if rows.changes:
        texts = list(rows.texts.values())
        await connection.execute(_CHANGE_LISTINGS, at, rows.changes, texts, timeout=LANE_STATEMENT_SECONDS_MAX)
    if rows.auctions:
        await connection.execute(_WRITE_DECISIONS, at, *rows.arguments(), timeout=LANE_STATEMENT_SECONDS_MAX)


async def _read_unread(connection: asyncpg.Connection, decided: _Decided, at: datetime) -> None:
    """Answer with bids read from the log, which include those that this batch has just written."""
    if not decided.unread:
        return
    wanted = {(each.command.item_id, each.bid_seq) for each in decided.unread}
    item_ids, seqs = zip(*wanted, strict=True)
    rows = await connection.fetch(_READ_BIDS_BY_SEQ, item_ids, seqs, timeout=LANE_STATEMENT_SECONDS_MAX)
    bids = {(row["item_id"], row["seq"]): bid_of(row) for row in rows}
    decided.answers.extend(
        (each.command, Answer(each.auction, at, bids[each.command.item_id, each.bid_seq], each.replayed))
        for each in decided.unread
    )


async def _commit(connection: asyncpg.Connection) -> None:
    try:
        status = await connection.execute("COMMIT", timeout=LANE_STATEMENT_SECONDS_MAX)
    except Exception as error:
        raise FateUnknown from error
    # Postgres answers COMMIT of a failed transaction with ROLLBACK, and no error.
    if status != "COMMIT":
        raise FateUnknown
