"""One bid at a time on an idle system, over a kept connection: what a lone bidder waits."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import uvloop

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Side
from gavel_tools.bench.clients.bid_service import count_bids, create_items
from gavel_tools.bench.clients.paced_calls import PLACE_BID, connections_to
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
        bodies = [
            json.dumps({"item_id": item_id, "user_id": bidders[amount % 2], "amount": amount}).encode()
            for amount in range(1, WARMUP_BIDS + effort.single_bids + 1)
        ]
        times_ms = uvloop.run(_times_ms(server.port, bodies, effort.single_bid_pause_seconds))
        [counted] = count_bids(server.port, category)
        if counted.bid_count != len(times_ms):
            raise MeasurementFailed(f"of {len(times_ms)} bids answered as accepted the server counts {counted}")
        counting = times_ms[WARMUP_BIDS:]
        return {"p50_ms": percentile(counting, 50), "p99_ms": percentile(counting, 99)}


async def _times_ms(port: int, bodies: Sequence[bytes], pause_seconds: float) -> list[float]:
    times_ms: list[float] = []
    async with connections_to(port, 1) as connection:
        for body in bodies:
            await asyncio.sleep(pause_seconds)
            began_seconds = time.perf_counter()
            await connection.call(PLACE_BID, body)
            times_ms.append((time.perf_counter() - began_seconds) * 1_000)
    return times_ms


IDLE = IdleBid()
