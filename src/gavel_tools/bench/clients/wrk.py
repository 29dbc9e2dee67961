"""Load from outside: wrk, which costs far less CPU than what it measures, with a script that makes the bids."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.systems.processes import HOST

# wrk reports a later answer as a timeout. The naive baseline takes a third of a second.
ANSWER_SECONDS_MAX = 10
# Beyond its own time wrk gets this long to start and to report.
REPORT_SECONDS_MAX = 20

# A prime that divides no count of items: an item's turn comes to another bidder each time.
BIDDERS = tuple(f"b1dde400-0000-4000-8000-{number:012x}" for number in range(1, 998))

# The script numbers its bids from here on, and its amounts with them: all have twelve digits.
FIRST_AMOUNT = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """wrk's counts: complete answers, those of them that were no 2xx, broken connections, and times of answers."""

    answered: int
    refused: int
    broken: int
    late: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def accepted(self) -> int:
        """The 2xx."""
        return self.answered - self.refused

    def sent_max(self, connections: int) -> int:
        """The most bids that the script can have made for this: one under way on each connection, one to look at."""
        return self.answered + connections + 1


def program() -> str:
    """Where wrk is. Raises MeasurementFailed where it is not."""
    found = shutil.which("wrk")
    if found is None:
        raise MeasurementFailed("wrk is missing: make bench installs it, or: apt-get install wrk")
    return found


def place_bids(
    port: int,
    item_ids: Sequence[str],
    *,
    bids_before: int,
    connections: int,
    seconds: int,
    tokens: Mapping[str, str] | None = None,
    pause_ms: int = 0,
) -> Load:
    """Bid on the items in turn over `connections` kept connections, each with one bid under way, for `seconds`.

    `bids_before` is at least the number of bids sent to these items earlier: amounts and turns go on from there.
    With `tokens`, one for each of BIDDERS, they sign in; each connection rests `pause_ms` on average after an answer.
    """
    script = files("gavel_tools.bench.clients") / "lua" / "place_bids.lua"
    with tempfile.TemporaryDirectory(prefix="gavel-bench-") as folder, as_file(script) as script_file:
        items_file, bidders_file = Path(folder) / "items", Path(folder) / "bidders"
        result_file = Path(folder) / "result.json"
        items_file.write_text("".join(f"{item_id}\n" for item_id in item_ids))
        bidders_file.write_text("".join(f"{bidder} {(tokens or {}).get(bidder, '')}\n" for bidder in BIDDERS))
        environment = os.environ | {
            "GAVEL_BENCH_ITEMS": str(items_file),
            "GAVEL_BENCH_BIDDERS": str(bidders_file),
            **({"GAVEL_BENCH_PAUSE_MS": str(pause_ms)} if pause_ms else {}),
            "GAVEL_BENCH_FIRST_AMOUNT": str(FIRST_AMOUNT),
            "GAVEL_BENCH_BIDS_BEFORE": str(bids_before),
            "GAVEL_BENCH_RESULT": str(result_file),
        }
        options = f"-t1 -c{connections} -d{seconds}s --timeout {ANSWER_SECONDS_MAX}s".split()
        url = f"http://{HOST}:{port}/bids.v1.BidService/PlaceBid"
        command = [program(), *options, "-s", str(script_file), url]
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds + REPORT_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MeasurementFailed("wrk did not come to an end") from None
        if done.returncode != 0 or not result_file.exists():
            raise MeasurementFailed(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
        return Load(**json.loads(result_file.read_text()))
