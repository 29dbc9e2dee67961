"""A crowd that watches one item of the bid-api: when a bid is on the last one's wire, and what the crowd costs."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from uuid import uuid4

import uvloop

from gavel.bench.bid_service import create_items
from gavel.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel.bench.crowd import Arrived, Watching, watching
from gavel.bench.four_processes import FourProcesses
from gavel.bench.paced_calls import PLACE_BID, at_pace, connections_to
from gavel.bench.samples import percentile

OTHER_ITEMS = 50
BIDDERS = 997
CONNECTIONS = 32
BIDS_PER_S = 110
# Every eleventh bid is on the watched item: ten a second.
WATCHED_EVERY = 11
TIMES_AS_LONG = 2
# The last bid is told at once, or found missing by the feed within two seconds.
ARRIVE_SECONDS = 2.5


@dataclass(slots=True)
class Bids:
    """What a load of bids was answered, and when those on the watched item were decided, by amount."""

    answers_ms: list[float] = field(default_factory=list[float])
    decided_at: dict[int, datetime] = field(default_factory=dict[int, datetime])


class Bidding:
    """Bids at an even pace, a few of them on the watched item; amounts rise from load to load."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.watched_id, *self._other_ids = create_items(port, f"bench-{uuid4()}", 1 + OTHER_ITEMS)
        self._bidders = [str(uuid4()) for _ in range(BIDDERS)]
        self._amount = 1

    def run(self, seconds: float) -> Bids:
        """Bid for so long, and wait until the last bid has come to everyone."""
        return uvloop.run(self._run(seconds))

    async def _run(self, seconds: float) -> Bids:
        bids, first_amount = Bids(), self._amount
        self._amount += round(BIDS_PER_S * seconds)
        async with connections_to(self._port, CONNECTIONS) as bid_api:

            async def bid(number: int) -> None:
                watched, amount = number % WATCHED_EVERY == 0, first_amount + number
                item_id = self.watched_id if watched else self._other_ids[number % OTHER_ITEMS]
                message = {"item_id": item_id, "user_id": self._bidders[number % BIDDERS], "amount": amount}
                body = json.dumps(message).encode()
                # The event loop's own clock stands still within a turn.
                began_seconds = time.perf_counter()
                status, answer = await bid_api.call(PLACE_BID, body, (HTTPStatus.OK, HTTPStatus.BAD_REQUEST))
                bids.answers_ms.append((time.perf_counter() - began_seconds) * 1_000)
                if watched and status == HTTPStatus.OK:
                    bids.decided_at[amount] = datetime.fromisoformat(json.loads(answer)["bid"]["createdAt"])

            await at_pace(BIDS_PER_S, seconds, bid)
        await asyncio.sleep(ARRIVE_SECONDS)
        return bids


@dataclass(frozen=True, slots=True)
class Watchers:
    """Ten bids a second on the item that all watch and a hundred on others, without the crowd and then with it."""

    name: str = "watchers"
    section: str = "watchers"
    title: str = "1,000 watchers of one item"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="last_wire_p50_ms", label="decision to the last watcher's wire, p50", unit="ms"),
        Figure(name="last_wire_p99_ms", label="decision to the last watcher's wire, p99", unit="ms", at_most=60),
        Figure(name="stalled_last_wire_p99_ms", label="the same beside one that stopped reading", unit="ms"),
        Figure(name="unwatched_bid_p99_ms", label="a bid's answer without watchers, p99", unit="ms"),
        Figure(name="watched_bid_p99_ms", label="a bid's answer with them, p99", unit="ms"),
        Figure(name="bid_p99_times", label="times as long as without", at_most=2),
        Figure(name="bids_watched", label="bids that came to every watcher"),
        Figure(name="held", label="watchers held by one process", at_least=10_000),
        Figure(name="kb_per_watcher", label="its memory a watcher", unit="KB", at_most=25),
    )

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        port, seconds = processes.stack.ports.bid_api, TIMES_AS_LONG * effort.seconds
        bidding = Bidding(port)
        bidding.run(effort.warmup_seconds)
        unwatched = bidding.run(seconds)
        with watching(port, bidding.watched_id, effort.watchers) as crowd:
            watched = bidding.run(seconds)
            last_wire_ms = _last_wire_ms(crowd, effort.watchers, watched)
        with (
            watching(port, bidding.watched_id, 1, stall=True),
            watching(port, bidding.watched_id, effort.watchers) as crowd,
        ):
            beside_stalled = bidding.run(seconds)
            stalled_last_wire_ms = _last_wire_ms(crowd, effort.watchers, beside_stalled)
        # A process that has held watchers keeps memory for the next ones.
        processes.stop("bid-api")
        processes.start("bid-api")
        bidding.run(effort.warmup_seconds)
        memory_before_mb = processes.usage("bid-api").memory_mb
        with watching(port, bidding.watched_id, effort.held_watchers) as crowd:
            memory_mb = processes.usage("bid-api").memory_mb
            _last_wire_ms(crowd, effort.held_watchers, bidding.run(1))
        unwatched_p99_ms, watched_p99_ms = percentile(unwatched.answers_ms, 99), percentile(watched.answers_ms, 99)
        return {
            "last_wire_p50_ms": percentile(last_wire_ms, 50),
            "last_wire_p99_ms": percentile(last_wire_ms, 99),
            "stalled_last_wire_p99_ms": percentile(stalled_last_wire_ms, 99),
            "unwatched_bid_p99_ms": unwatched_p99_ms,
            "watched_bid_p99_ms": watched_p99_ms,
            "bid_p99_times": watched_p99_ms / unwatched_p99_ms,
            "bids_watched": len(last_wire_ms),
            "held": effort.held_watchers,
            "kb_per_watcher": (memory_mb - memory_before_mb) * 1_024 / effort.held_watchers,
        }


def _last_wire_ms(crowd: Watching, watchers: int, bids: Bids) -> list[float]:
    """For each bid on the watched item, when the last watcher had it. Raises MeasurementFailed where one has not."""
    return last_wire_ms(crowd.end(), watchers, bids.decided_at)


def last_wire_ms(arrived: Mapping[int, Arrived], watchers: int, decided_at: Mapping[int, datetime]) -> list[float]:
    """Milliseconds from each decision to its last arrival, both by the machine's clock. Raises MeasurementFailed."""
    for amount in decided_at:
        came_to = arrived[amount].watchers if amount in arrived else 0
        if came_to != watchers:
            raise MeasurementFailed(f"a bid came to {came_to} of {watchers} watchers")
    return [(arrived[amount].last_at_seconds - at.timestamp()) * 1_000 for amount, at in decided_at.items()]


WATCHERS = Watchers()
