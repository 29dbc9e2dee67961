"""Honest bidders beside clients that are slow, hostile, or only many: what they wait for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel_tools.bench.clients.bid_service import create_items, create_long_items
from gavel_tools.bench.clients.hostile import KINDS, LIMITED, hostile
from gavel_tools.bench.clients.wrk import Load, place_bids
from gavel_tools.bench.systems.bid_db import drain
from gavel_tools.bench.systems.processes import GAVEL_COMMAND, Server, running_server

BIDDERS = 64
ITEMS = 64
LONG_ITEMS = 100
# Each bidder rests so long after an answer that all together ask for about half of what can be done.
PAUSE_MS = 25
# As many clients as the half-sent requests have, which do no harm: what all others are compared with.
HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class HostileClients:
    """64 honest bidders alone, then beside each kind of client in turn, which come from an address of their own."""

    name: str = "hostile"
    section: str = "hostile"
    title: str = "Beside hostile clients"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="worst_ratio", label="p99 beside the worst kind, of that beside harmless clients", at_most=2),
        Figure(name="alone_p99_ms", label="an honest bid alone, p99", unit="ms"),
        *(Figure(name=f"{kind}_p99_ms", label=f"beside {kind.replace('_', ' ')}, p99", unit="ms") for kind in KINDS),
        Figure(name="memory_peak_mb", label="server's memory, peak", unit="MB"),
    )

    def measure(self, scratch: Path, effort: Effort) -> Measured:
        """See OwnServersCase.measure. Every honest bid must be accepted."""
        with running_server(GAVEL_COMMAND, scratch, LIMITED) as server:
            return self._measure(server, effort)

    def _measure(self, server: Server, effort: Effort) -> Measured:
        item_ids, bids_before = create_items(server.port, f"bench-{uuid4()}", ITEMS), 0
        long_ids = create_long_items(server.port, "hostile", LONG_ITEMS)

        def bid(seconds: int) -> Load:
            nonlocal bids_before
            load = place_bids(
                server.port,
                item_ids,
                bids_before=bids_before,
                connections=BIDDERS,
                seconds=seconds,
                pause_ms=PAUSE_MS,
            )
            bids_before += load.sent_max(BIDDERS)
            if load.refused or load.broken or load.late:
                raise MeasurementFailed(f"honest bids were not all accepted: {load}")
            drain(server.bid_db_url)
            return load

        def measured() -> Load:
            load = bid(effort.seconds)
            if not load.answered:
                raise MeasurementFailed("no honest bid was answered in time")
            return load

        bid(effort.warmup_seconds)
        p99_ms = {"alone": measured().p99_ms}
        for kind in KINDS:
            with hostile(kind, server.port, long_ids) as clients:
                p99_ms[kind] = measured().p99_ms
                clients.end()
        worst = max(p99 for kind, p99 in p99_ms.items() if kind not in ("alone", HARMLESS))
        return {
            "worst_ratio": worst / p99_ms[HARMLESS],
            **{f"{kind}_p99_ms": p99 for kind, p99 in p99_ms.items()},
            "memory_peak_mb": server.usage().memory_peak_mb,
        }


HOSTILE = HostileClients()
