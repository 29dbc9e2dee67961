"""One hot item while a snapshot is held, as by a dump or a report: former versions of its row can't be removed."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gavel.runtime.postgres import connections as postgres
from gavel_tools.bench.case import Effort, Figure, Measured, Side
from gavel_tools.bench.cases.bids_under_load import BidsUnderLoad
from gavel_tools.bench.systems.processes import Server

# Former versions grow in number as long as the snapshot is held, and so does what a bid passes over.
TIMES_AS_LONG = 3

_ONE_ITEM = BidsUnderLoad(name="held_snapshot", title="", item_count=1, figures=())


@dataclass(frozen=True, slots=True)
class HeldSnapshot:
    """The load of `one_item` without a snapshot, and then with one from before the item's first bid."""

    name: str = "held_snapshot"
    section: str = "held_snapshot"
    title: str = "One hot item under a snapshot that is held"
    sides: Sequence[Side] = (Side.GAVEL,)
    figures: Sequence[Figure] = (
        Figure(name="kept_percent", label="accepted bids under it, of those without", unit="%"),
        Figure(name="p99_times", label="answer under it, p99, times that without"),
        Figure(name="accepted_per_s", label="accepted bids under it", unit="/s"),
        Figure(name="accepted", label="accepted under it, by the server"),
    )

    def measure(self, server: Server, effort: Effort) -> Measured:
        """See ServerCase.measure."""
        without = _ONE_ITEM.measure(server, effort)
        with _held_snapshot(server.bid_db_url):
            held = _ONE_ITEM.measure(server, replace(effort, seconds=TIMES_AS_LONG * effort.seconds))
        return {
            "kept_percent": 100 * held["accepted_per_s"] / without["accepted_per_s"],
            "p99_times": held["p99_ms"] / without["p99_ms"],
            "accepted_per_s": held["accepted_per_s"],
            "accepted": held["accepted"],
        }


@contextmanager
def _held_snapshot(url: str) -> Generator[None]:
    with asyncio.Runner() as runner:
        connection = runner.run(postgres.connect(url, "gavel-bench"))
        try:
            # Longer than a session of Gavel may do nothing in a transaction.
            runner.run(connection.execute("SET idle_in_transaction_session_timeout = 0"))
            runner.run(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM outbox LIMIT 1"))
            yield
        finally:
            runner.run(connection.close())


HELD_SNAPSHOT = HeldSnapshot()
