"""A crowd that watches one item of the bid-api: when a bid is delivered, and what the crowd costs."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from uuid import uuid4

import uvloop

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel_tools.bench.clients.bid_service import create_items
from gavel_tools.bench.clients.crowd import Arrived, Watching, watching
from gavel_tools.bench.clients.paced_calls import PLACE_BID, at_pace, connections_to
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.systems.four_processes import FourProcesses

OTHER_ITEMS = 50
BIDDERS = 997
CONNECTIONS = 32
BIDS_PER_S = 110
# Every eleventh bid is on the watched item: ten a second.
WATCHED_EVERY = 11
# These watch all items, so that a load of five seconds sends them what the watched item alone would in a minute. Those
# that do not read fill what the kernel and the feed hold for them, and are ended; so many that read are the comparison.
OTHERS = 10
# The last bid is sent at once, or found missing by the feed within two seconds.
ARRIVE_SECONDS = 2.5


@dataclass(slots=True)
class Bids:
    """What loads of bids were answered, and when those on the watched item were decided, by amount."""

    answers_ms: list[float] = field(default_factory=list[float])
    decided_at: dict[int, datetime] = field(default_factory=dict[int, datetime])


class Bidding:
    """Bids at an even pace, a few of them on the watched item; amounts rise from load to load."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.watched_id, *self._other_ids = create_items(port, f"bench-{uuid4()}", 1 + OTHER_ITEMS)
        self._bidders = [str(uuid4()) for _ in range(BIDDERS)]
        self._amount = 1

    @property
    def all_ids(self) -> list[str]:
        """The watched item and the others."""
        return [self.watched_id, *self._other_ids]

    def run(self, seconds: float, bids: Bids | None = None) -> Bids:
        """Bid for so long, and add to the bids of loads before."""
        bids = bids or Bids()
        uvloop.run(self._run(seconds, bids))
        return bids

    async def _run(self, seconds: float, bids: Bids) -> None:
        first_amount = self._amount
        self._amount += round(BIDS_PER_S * seconds)
        async with connections_to(self._port, CONNECTIONS) as bid_api:

            async def bid(number: int, _due_seconds: float) -> None:
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


@dataclass(slots=True)
class Turns:
    """Loads in turn, so that noise of the machine affects all alike: no watchers, a crowd, and the
    crowd beside others that read, or do not.
    """

    alone: Bids = field(default_factory=Bids)
    watched: Bids = field(default_factory=Bids)
    wires_ms: list[list[float]] = field(default_factory=list[list[float]])
    beside_reading_wires_ms: list[list[float]] = field(default_factory=list[list[float]])
    beside_stalled_wires_ms: list[list[float]] = field(default_factory=list[list[float]])

    def take(self, port: int, bidding: Bidding, effort: Effort) -> None:
        """One more turn. Raises MeasurementFailed."""
        bidding.run(effort.seconds, self.alone)
        with watching(port, [bidding.watched_id], effort.watchers) as crowd:
            watched = bidding.run(effort.seconds)
            with watching(port, bidding.all_ids, OTHERS):
                beside_reading = bidding.run(effort.seconds)
            with watching(port, bidding.all_ids, OTHERS, stall=True):
                beside_stalled = bidding.run(effort.seconds)
            arrived = end_of(crowd)
        self.watched.answers_ms += watched.answers_ms
        self.wires_ms += wires_ms(arrived, effort.watchers, watched.decided_at)
        self.beside_reading_wires_ms += wires_ms(arrived, effort.watchers, beside_reading.decided_at)
        self.beside_stalled_wires_ms += wires_ms(arrived, effort.watchers, beside_stalled.decided_at)


@dataclass(frozen=True, slots=True)
class Watchers:
    """Ten bids a second on the item that all watch and a hundred on others, without the crowd and with it in turn."""

    name: str = "watchers"
    section: str = "watchers"
    title: str = "1,000 watchers of one item"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="last_wire_p50_ms", label="decision to the last watcher's wire, p50", unit="ms"),
        Figure(name="last_wire_p99_ms", label="decision to the last watcher's wire, p99", unit="ms", at_most=60),
        Figure(name="wire_p99_ms", label=f"each wire beside {OTHERS} that read all, p99", unit="ms"),
        Figure(name="stalled_wire_p99_ms", label=f"beside {OTHERS} that stopped reading, p99", unit="ms"),
        Figure(name="stalled_times", label="times as long", at_most=1.1),
        Figure(name="unwatched_bid_p99_ms", label="a bid's answer without watchers, p99", unit="ms"),
        Figure(name="watched_bid_p99_ms", label="a bid's answer with them, p99", unit="ms"),
        Figure(name="bid_p99_times", label="times as long as without", at_most=2),
        Figure(name="bids_watched", label="bids that came to every watcher"),
        Figure(name="held", label="watchers held by one process", at_least=10_000),
        Figure(name="kb_per_watcher", label="its memory a watcher", unit="KB", at_most=25),
    )

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        port = processes.stack.ports.bid_api
        bidding, turns = Bidding(port), Turns()
        bidding.run(effort.warmup_seconds)
        for _ in range(effort.watched_turns):
            turns.take(port, bidding, effort)
        # A process that has held watchers keeps memory for the next ones.
        processes.stop("bid-api")
        processes.start("bid-api")
        bidding.run(effort.warmup_seconds)
        memory_before_mb = processes.usage("bid-api").memory_mb
        with watching(port, [bidding.watched_id], effort.held_watchers) as crowd:
            memory_mb = processes.usage("bid-api").memory_mb
            held = bidding.run(1)
            wires_ms(end_of(crowd), effort.held_watchers, held.decided_at)
        return {
            **_figures_of(turns),
            "held": effort.held_watchers,
            "kb_per_watcher": (memory_mb - memory_before_mb) * 1_024 / effort.held_watchers,
        }


def _figures_of(turns: Turns) -> dict[str, float]:
    last_wire_ms = [max(wires) for wires in turns.wires_ms]
    wire_p99_ms = _p99_of_all(turns.beside_reading_wires_ms)
    stalled_wire_p99_ms = _p99_of_all(turns.beside_stalled_wires_ms)
    unwatched_p99_ms, watched_p99_ms = percentile(turns.alone.answers_ms, 99), percentile(turns.watched.answers_ms, 99)
    return {
        "last_wire_p50_ms": percentile(last_wire_ms, 50),
        "last_wire_p99_ms": percentile(last_wire_ms, 99),
        "wire_p99_ms": wire_p99_ms,
        "stalled_wire_p99_ms": stalled_wire_p99_ms,
        "stalled_times": stalled_wire_p99_ms / wire_p99_ms,
        "unwatched_bid_p99_ms": unwatched_p99_ms,
        "watched_bid_p99_ms": watched_p99_ms,
        "bid_p99_times": watched_p99_ms / unwatched_p99_ms,
        "bids_watched": len(last_wire_ms),
    }


def _p99_of_all(wires_ms: Sequence[Sequence[float]]) -> float:
    return percentile([wire_ms for each in wires_ms for wire_ms in each], 99)


def end_of(crowd: Watching) -> Arrived:
    """What came to a crowd, the last bid included. Raises MeasurementFailed."""
    time.sleep(ARRIVE_SECONDS)
    return crowd.end()


def wires_ms(arrived: Arrived, watchers: int, decided_at: Mapping[int, datetime]) -> list[list[float]]:
    """For each bid on the watched item, the milliseconds from its decision to each watcher, by the machine's clock.

    Raises MeasurementFailed where it came to more or fewer than all.
    """
    for amount in decided_at:
        if (came_to := len(arrived.get(amount, ()))) != watchers:
            raise MeasurementFailed(f"a bid came to {came_to} of {watchers} watchers")
    return [
        [(at_seconds - at.timestamp()) * 1_000 for at_seconds in arrived[amount]] for amount, at in decided_at.items()
    ]


WATCHERS = Watchers()
