"""Base of the cases of bids under load: list items, warm up, bid, and read the count from the server."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Share, Side
from gavel_tools.bench.cases import http_ceiling
from gavel_tools.bench.clients.bid_service import ItemCount, count_bids, create_items
from gavel_tools.bench.clients.wrk import Load, place_bids
from gavel_tools.bench.systems.bid_db import count_owed_events, drain
from gavel_tools.bench.systems.processes import Server

SETTLE_SECONDS_MAX = 20.0
SETTLE_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class BidsUnderLoad:
    """Rising bids by many bidders on a number of items in turn, over kept connections, as JSON."""

    name: str
    title: str
    item_count: int
    figures: Sequence[Figure]
    sides: Sequence[Side] = (Side.GAVEL, Side.NAIVE)

    @property
    def section(self) -> str:
        """See Case.section."""
        return self.name

    def measure(self, server: Server, effort: Effort) -> Measured:
        """See Case.measure. Bids that were still under way when the clock stopped do not count.

        Where bids cross on their way to the lock, the lower of two is refused: `decided_per_s` counts such work too.
        """
        category = f"bench-{uuid4()}"
        item_ids = create_items(server.port, category, self.item_count)
        bids_before = self._warm_up(server, item_ids, effort)
        before, used_before = settled_counts(server.port, category), server.usage()
        load = place_bids(
            server.port, item_ids, bids_before=bids_before, connections=effort.connections, seconds=effort.seconds
        )
        accepted, used = total(count_bids(server.port, category)) - total(before), server.usage()
        owed_events = count_owed_events(server.bid_db_url)
        check_counts(before, settled_counts(server.port, category), load, effort.connections)
        drain(server.bid_db_url)
        return {
            "accepted_per_s": accepted / load.seconds,
            "decided_per_s": load.answered / load.seconds,
            "refused_percent": 100 * load.refused / load.answered,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
            "accepted": accepted,
            "answered_2xx": load.accepted,
            "server_cpu_us_per_bid": (used.cpu_seconds - used_before.cpu_seconds) / accepted * 1e6,
            "memory_mb": used.memory_peak_mb,
            "owed_events": owed_events,
        }

    def _warm_up(self, server: Server, item_ids: Sequence[str], effort: Effort) -> int:
        """Let connections be opened, statements be prepared and pages be read; the number of bids to go on from."""
        load = place_bids(
            server.port, item_ids, bids_before=0, connections=effort.connections, seconds=effort.warmup_seconds
        )
        drain(server.bid_db_url)
        return load.sent_max(effort.connections)


def rates(*, ceiling_share_at_least: float, naive_times_at_least: float) -> tuple[Figure, ...]:
    """The figures of bids under load; the two goals that differ from case to case are the arguments."""
    return (
        Figure(
            name="ceiling_share",
            label="share of the HTTP ceiling",
            share=Share("accepted_per_s", http_ceiling.NAME, http_ceiling.RATE),
            at_least=ceiling_share_at_least,
        ),
        Figure(
            name="accepted_per_s",
            label="accepted bids",
            unit="/s",
            compared=True,
            naive_times_at_least=naive_times_at_least,
        ),
        Figure(name="decided_per_s", label="decided, refusals too", unit="/s", compared=True),
        Figure(name="refused_percent", label="refused", unit="%"),
        Figure(name="p50_ms", label="answer, p50", unit="ms"),
        Figure(name="p99_ms", label="answer, p99", unit="ms"),
        Figure(name="accepted", label="accepted, by the server"),
        Figure(name="answered_2xx", label="accepted, by wrk"),
        Figure(name="server_cpu_us_per_bid", label="server's CPU a bid", unit="µs"),
        Figure(name="memory_mb", label="server's memory, peak", unit="MB", at_most=150),
        Figure(name="owed_events", label="events owed at the end"),
    )


def total(counts: Sequence[ItemCount]) -> int:
    """The bids of all items together."""
    return sum(count.bid_count for count in counts)


def settled_counts(port: int, category: str) -> list[ItemCount]:
    """The counts once nothing is under way any more. Raises MeasurementFailed where they do not come to rest."""
    deadline_seconds = time.monotonic() + SETTLE_SECONDS_MAX
    counts = count_bids(port, category)
    while time.monotonic() < deadline_seconds:
        time.sleep(SETTLE_POLL_SECONDS)
        earlier, counts = counts, count_bids(port, category)
        if counts == earlier:
            return counts
    raise MeasurementFailed(f"bids were still being accepted {SETTLE_SECONDS_MAX:.0f} s after the load had ended")


def check_counts(before: Sequence[ItemCount], after: Sequence[ItemCount], load: Load, connections: int) -> None:
    """Raise MeasurementFailed unless client and server agree, and every item's seq is without a gap.

    The client does not see the answers to the bids that were under way at its end, one a connection at most.
    """
    if load.broken or load.late:
        raise MeasurementFailed(f"{load.broken} broken connections and {load.late} late answers under load")
    accepted = total(after) - total(before)
    if not accepted:
        raise MeasurementFailed("no bid was accepted")
    if not load.accepted <= accepted <= load.accepted + connections:
        raise MeasurementFailed(f"the server counts {accepted} accepted bids, and the client got {load.accepted} 2xx")
    # An item's first event is its listing; bids far from the end make no other.
    if gaps := [count for count in after if count.seq != count.bid_count + 1]:
        raise MeasurementFailed(f"seq has gaps: {gaps[0]}")
