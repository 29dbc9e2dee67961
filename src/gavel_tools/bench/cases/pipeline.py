"""Bids from HTTP through Postgres, the relay, RabbitMQ and the counter into the totals, all processes at work."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Share
from gavel_tools.bench.cases.many_items import MANY_ITEMS
from gavel_tools.bench.clients.bid_service import create_items
from gavel_tools.bench.clients.wrk import Load, place_bids
from gavel_tools.bench.systems.four_processes import FourProcesses
from gavel_tools.bench.systems.gauges import Database, Gauge, looking_into

# As many as `many_items` has, so that the rates can be compared.
ITEMS = MANY_ITEMS.item_count
# A backlog shows only where it has time to grow.
TIMES_AS_LONG = 2
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Looks:
    """What was seen while the load ran, at even intervals: events owed to the broker, and bids not counted yet."""

    owed: list[int]
    uncounted: list[int]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Rising bids by many bidders over kept connections, as JSON; a bid counts when it is in the totals."""

    name: str = "pipeline"
    section: str = "pipeline"
    title: str = "Four processes, into the totals"
    rounds_max: int = 3
    figures: Sequence[Figure] = (
        Figure(
            name="share_of_many_items",
            label="counted, share of many_items' accepted",
            share=Share("counted_per_s", MANY_ITEMS.name, "accepted_per_s"),
            at_least=0.8,
        ),
        Figure(name="counted_per_s", label="bids, to the last one counted", unit="/s"),
        Figure(name="accepted_per_s", label="accepted bids", unit="/s"),
        Figure(name="outbox_growth_percent", label="of which the outbox grew by", unit="%", at_most=1),
        Figure(name="backlog_growth_percent", label="of which outbox and queue grew by", unit="%"),
        Figure(name="counted_after_s", label="last one counted after", unit="s"),
        Figure(name="p50_ms", label="answer, p50", unit="ms"),
        Figure(name="p99_ms", label="answer, p99", unit="ms"),
        Figure(name="bid_api_cpu_us", label="bid-api's CPU a bid", unit="µs"),
        Figure(name="bid_worker_cpu_us", label="bid-worker's CPU a bid", unit="µs"),
        Figure(name="stats_worker_cpu_us", label="stats-worker's CPU a bid", unit="µs"),
    )

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        return asyncio.run(_measure(processes, effort))


async def _measure(processes: FourProcesses, effort: Effort) -> Measured:
    port = processes.stack.ports.bid_api
    item_ids = await asyncio.to_thread(create_items, port, f"bench-{uuid4()}", ITEMS)
    async with looking_into(processes.bid_db_url) as bid_db, looking_into(processes.stats_db_url) as stats_db:
        # What other cases put into the totals without placing it.
        counted_more = await stats_db.shows(Gauge.COUNTED_BIDS) - await bid_db.shows(Gauge.PLACED_BIDS)

        async def bid(bids_before: int, seconds: int) -> Load:
            return await asyncio.to_thread(
                place_bids, port, item_ids, bids_before=bids_before, connections=effort.connections, seconds=seconds
            )

        async def to_count() -> int:
            return await bid_db.shows(Gauge.PLACED_BIDS) + counted_more

        async def all_counted() -> int:
            """Wait for what is under way, the load's last bids among it, which it did not wait for; the bids then."""
            await bid_db.reaches(Gauge.OWED_EVENTS, 0)
            return await stats_db.follows(Gauge.COUNTED_BIDS, to_count) - counted_more

        warm = await bid(0, effort.warmup_seconds)
        placed_before = await all_counted()
        cpu_before = _cpu_seconds(processes)
        began_seconds = time.monotonic()
        loading = asyncio.create_task(bid(warm.sent_max(effort.connections), TIMES_AS_LONG * effort.seconds))
        looks = await _look_on(bid_db, stats_db, counted_more, loading)
        load = await loading
        ended_seconds = time.monotonic()
        placed = await all_counted() - placed_before
        counted_seconds = time.monotonic()
    if load.broken or load.late or not placed:
        raise MeasurementFailed(f"{placed} bids, {load.broken} broken connections and {load.late} late answers")
    cpu_us = {name: (after - cpu_before[name]) / placed * 1e6 for name, after in _cpu_seconds(processes).items()}
    return {
        "counted_per_s": placed / (counted_seconds - began_seconds),
        "accepted_per_s": placed / load.seconds,
        "outbox_growth_percent": 100 * growth(looks.owed) / placed,
        "backlog_growth_percent": 100 * growth(looks.uncounted) / placed,
        "counted_after_s": counted_seconds - ended_seconds,
        "p50_ms": load.p50_ms,
        "p99_ms": load.p99_ms,
        "bid_api_cpu_us": cpu_us["bid-api"],
        "bid_worker_cpu_us": cpu_us["bid-worker"],
        "stats_worker_cpu_us": cpu_us["stats-worker"],
    }


async def _look_on(bid_db: Database, stats_db: Database, counted_more: int, loading: "asyncio.Task[Load]") -> Looks:
    looks = Looks([], [])
    while not loading.done():
        counted = await stats_db.shows(Gauge.COUNTED_BIDS) - counted_more
        looks.uncounted.append(await bid_db.shows(Gauge.PLACED_BIDS) - counted)
        looks.owed.append(await bid_db.shows(Gauge.OWED_EVENTS))
        await asyncio.wait([loading], timeout=LOOK_SECONDS)
    return looks


def growth(looks: Sequence[int]) -> float:
    """By how much a number that goes up and down has grown from the first to the last look; 0 where it shrank.

    Means of the first and the last third are compared, which lie two thirds of the time apart.
    """
    third = len(looks) // 3
    if not third:
        raise MeasurementFailed("the load was over before a backlog could be looked at")
    return max(0.0, (statistics.mean(looks[-third:]) - statistics.mean(looks[:third])) * 3 / 2)


def _cpu_seconds(processes: FourProcesses) -> dict[str, float]:
    return {name: processes.usage(name).cpu_seconds for name in ("bid-api", "bid-worker", "stats-worker")}


PIPELINE = Pipeline()
