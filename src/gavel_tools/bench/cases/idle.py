"""One bid at a time on an idle system, over a kept connection: what a lone bidder waits."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Side
from gavel_tools.bench.clients.bid_service import count_bids, create_items
from gavel_tools.bench.clients.kept_connection import KeptConnection
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.systems.processes import Server

WARMUP_BIDS = 20


@dataclass(frozen=True, slots=True)
class IdleBid:
    """Two bidders in turn, each after a rest."""

    name: str = "idle"
    section: str = "idle"
    title: str = "One bid at a time"
    sides: Sequence[Side] = (Side.GAVEL, Side.NAIVE)
    figures: Sequence[Figure] = (
        Figure(name="p50_ms", label="over HTTP, p50", unit="ms", compared=True, naive_times_at_most=1),
        Figure(name="p99_ms", label="over HTTP, p99", unit="ms"),
    )

    def measure(self, server: Server, effort: Effort) -> Measured:
        """See Case.measure."""
        category, bidders = f"bench-{uuid4()}", [str(uuid4()) for _ in range(2)]
        [item_id] = create_items(server.port, category, 1)
        times_ms: list[float] = []
        with closing(KeptConnection(server.port)) as connection:
            for amount in range(1, WARMUP_BIDS + effort.single_bids + 1):
                bid = connection.bid(item_id, bidders[amount % 2], amount)
                time.sleep(effort.single_bid_pause_seconds)
                began_seconds = time.perf_counter()
                connection.exchange(bid)
                times_ms.append((time.perf_counter() - began_seconds) * 1_000)
        [counted] = count_bids(server.port, category)
        if counted.bid_count != len(times_ms):
            raise MeasurementFailed(f"of {len(times_ms)} bids answered as accepted the server counts {counted}")
        counting = times_ms[WARMUP_BIDS:]
        return {"p50_ms": percentile(counting, 50), "p99_ms": percentile(counting, 99)}


IDLE = IdleBid()
