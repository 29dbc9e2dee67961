"""A backlog through the relay into RabbitMQ, then out of it into the totals: one process at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gavel_tools.bench.case import Effort, Figure, Measured
from gavel_tools.bench.systems.backlog import owe_bids
from gavel_tools.bench.systems.four_processes import FourProcesses
from gavel_tools.bench.systems.gauges import Gauge, looking_into

RELAY = "bid-worker"
COUNTER = "stats-worker"
MEMORY_MB_MAX = 120


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events are owed while both workers are stopped; each is started when it is its turn, and watched to its end."""

    name: str
    title: str
    events: Callable[[Effort], int]
    figures: Sequence[Figure]
    rounds_max: int

    @property
    def section(self) -> str:
        """See Case.section."""
        return self.name

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        events = self.events(effort)
        for worker in (RELAY, COUNTER):
            processes.stop(worker)
        measured = asyncio.run(_measure(processes, events))
        processes.start(RELAY)
        return measured


async def _measure(processes: FourProcesses, events: int) -> Measured:
    async with looking_into(processes.bid_db_url) as bid_db, looking_into(processes.stats_db_url) as stats_db:
        await owe_bids(processes.bid_db_url, events)
        relayed_per_s = await bid_db.moves(Gauge.OWED_EVENTS, lambda: processes.start(RELAY), 0)
        relay_memory_mb = processes.usage(RELAY).memory_peak_mb
        processes.stop(RELAY)
        end = await stats_db.shows(Gauge.COUNTED_BIDS) + events
        counted_per_s = await stats_db.moves(Gauge.COUNTED_BIDS, lambda: processes.start(COUNTER), end)
    return {
        "relay_events_per_s": relayed_per_s,
        "relay_memory_mb": relay_memory_mb,
        "consumer_events_per_s": counted_per_s,
        "consumer_memory_mb": processes.usage(COUNTER).memory_peak_mb,
    }


def _figures(
    *, relay_per_s_at_least: float | None = None, counter_per_s_at_least: float | None = None
) -> tuple[Figure, ...]:
    return (
        Figure(name="relay_events_per_s", label="relay, into RabbitMQ", unit="/s", at_least=relay_per_s_at_least),
        Figure(name="relay_memory_mb", label="relay's memory, peak", unit="MB", at_most=MEMORY_MB_MAX),
        Figure(
            name="consumer_events_per_s", label="counter, from RabbitMQ", unit="/s", at_least=counter_per_s_at_least
        ),
        Figure(name="consumer_memory_mb", label="counter's memory, peak", unit="MB", at_most=MEMORY_MB_MAX),
    )


BACKLOG = Backlog(
    name="backlog",
    title="A backlog of 200,000 events",
    events=lambda effort: effort.backlog_events,
    figures=_figures(relay_per_s_at_least=100_000, counter_per_s_at_least=30_000),
    rounds_max=1,
)
LONG_BACKLOG = Backlog(
    name="long_backlog",
    title="A backlog of 1,000,000 events",
    events=lambda effort: effort.long_backlog_events,
    figures=_figures(),
    rounds_max=1,
)
