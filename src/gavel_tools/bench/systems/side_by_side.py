"""Servers that differ in their settings alone, under load in turn: what a setting costs, in one run."""

import statistics
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from gavel_tools.bench.case import Effort, MeasurementFailed
from gavel_tools.bench.clients.bid_service import count_bids, create_items
from gavel_tools.bench.clients.wrk import place_bids
from gavel_tools.bench.systems.bid_db import drain
from gavel_tools.bench.systems.processes import GAVEL_COMMAND, Server, running_server

ITEMS = 100
# Short turns, so that noise of the machine affects all alike.
TURN_SECONDS_MAX = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """A server's settings, and the tokens that its callers need: one for each of BIDDERS, and one for the seller."""

    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    seller_token: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of a server's turns: its own CPU for an accepted bid, and how many it accepted a second."""

    cpu_us_per_bid: float
    accepted_per_s: float


def costs(variants: Mapping[str, Variant], scratch: Path, effort: Effort) -> dict[str, Cost]:
    """Run a server for each variant, and give them load in turn. Raises MeasurementFailed or LocalServerFailed."""
    with _stands(variants, scratch) as stands:
        for stand in stands.values():
            stand.bid(effort, effort.warmup_seconds)
        turns: dict[str, list[Cost]] = {name: [] for name in stands}
        for _ in range(effort.turns):
            for name, stand in stands.items():
                turns[name].append(stand.bid(effort, min(effort.seconds, TURN_SECONDS_MAX)))
    return {name: _median(each) for name, each in turns.items()}


@contextmanager
def _stands(variants: Mapping[str, Variant], scratch: Path) -> "Generator[dict[str, _Stand]]":
    with ExitStack() as stack:
        yield {
            name: _Stand(stack.enter_context(running_server(GAVEL_COMMAND, scratch / name, variant.settings)), variant)
            for name, variant in variants.items()
        }


class _Stand:
    """A server with items to bid on."""

    def __init__(self, server: Server, variant: Variant) -> None:
        self._server = server
        self._variant = variant
        self._category = f"bench-{uuid4()}"
        self._item_ids = create_items(server.port, self._category, ITEMS, variant.seller_token)
        self._bids_before = 0

    def bid(self, effort: Effort, seconds: int) -> Cost:
        """Bid for so long; what a bid cost. Afterwards nothing is owed."""
        counted_before, used_before = self._counted(), self._server.usage()
        load = place_bids(
            self._server.port,
            self._item_ids,
            bids_before=self._bids_before,
            connections=effort.connections,
            seconds=seconds,
            tokens=self._variant.tokens,
        )
        accepted, used = self._counted() - counted_before, self._server.usage()
        self._bids_before += load.sent_max(effort.connections)
        if load.broken or load.late or not accepted:
            raise MeasurementFailed(f"{accepted} bids, {load.broken} broken connections, {load.late} late answers")
        drain(self._server.bid_db_url)
        cpu_seconds = used.cpu_seconds - used_before.cpu_seconds
        return Cost(cpu_seconds / accepted * 1e6, accepted / load.seconds)

    def _counted(self) -> int:
        return sum(count.bid_count for count in count_bids(self._server.port, self._category))


def _median(turns: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(turn.cpu_us_per_bid for turn in turns),
        statistics.median(turn.accepted_per_s for turn in turns),
    )
