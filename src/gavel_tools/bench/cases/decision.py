"""The decision alone, from enqueue to commit: a book in a process of its own on the idle server's database."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Side
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.systems.processes import Server

PROBE_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What is left of a lone bid's time without HTTP."""

    name: str = "decision"
    section: str = "idle"
    title: str = "One bid at a time"
    sides: Sequence[Side] = (Side.GAVEL,)
    figures: Sequence[Figure] = (
        Figure(name="decision_p50_ms", label="the decision alone, p50", unit="ms"),
        Figure(name="decision_p99_ms", label="the decision alone, p99", unit="ms"),
        Figure(name="round_trip_p50_ms", label="one of its four round trips to the database, p50", unit="ms"),
    )

    def measure(self, server: Server, effort: Effort) -> Measured:
        """See Case.measure."""
        bids, pause_seconds = str(effort.single_bids), str(effort.single_bid_pause_seconds)
        command = [
            sys.executable,
            "-m",
            "gavel_tools.bench.systems.decision_probe",
            server.bid_db_url,
            bids,
            pause_seconds,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS_MAX, check=True)
        except subprocess.CalledProcessError as error:
            raise MeasurementFailed(f"the decision's probe failed:\n{error.stderr}") from None
        except subprocess.TimeoutExpired:
            raise MeasurementFailed("the decision's probe did not come to an end") from None
        probed: dict[str, list[float]] = json.loads(done.stdout)
        decisions_ms = probed["decisions_ms"]
        return {
            "decision_p50_ms": percentile(decisions_ms, 50),
            "decision_p99_ms": percentile(decisions_ms, 99),
            "round_trip_p50_ms": percentile(probed["round_trips_ms"], 50),
        }


DECISION = Decision()
