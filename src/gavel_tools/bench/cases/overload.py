"""More bids than the server can decide: how many it still decides, and how long answers take."""

import statistics
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel_tools.bench.clients.bid_service import create_items
from gavel_tools.bench.clients.newcomers import Newcomers, newcomers
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.clients.wrk import Load, place_bids
from gavel_tools.bench.systems.bid_db import drain
from gavel_tools.bench.systems.processes import GAVEL_COMMAND, Server, running_server

# So few to an item that a bid which waited is seldom overtaken by a higher one: by the rules it would be too low then.
CALLERS_PER_ITEM = 2
TIMES_CAPACITY = 3
# How long admitted calls wait for their answer; see WAIT_SECONDS_MAX in gavel.runtime.http.load_shedding.
WAIT_SECONDS = 1.0
# Clients that ask again right away, whatever the answer: 30 times the capacity, if they were answered at once.
FLOOD_PAUSE_MS = 100
# The callers come within a second or two, and that counts.
TIMES_AS_LONG = 3


@dataclass(frozen=True, slots=True)
class Overload:
    """In turn as many bids as it takes from a few callers, and callers without number, patient ones and a flood.

    The patient want three times as much, wait for their answer and rest; late answers make them ask less. The flood
    has the same callers with hardly a rest. Meanwhile new clients connect now and then.
    """

    name: str = "overload"
    section: str = "overload"
    title: str = "More than can be done"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="goodput_percent", label="accepted bids of the patient, of the peak", unit="%", at_least=80),
        Figure(name="offered_times", label="answers to them, times the peak"),
        Figure(name="flood_percent", label="accepted bids in a flood, of the peak", unit="%", at_least=80),
        Figure(name="flood_times", label="answers to it, times the peak"),
        Figure(name="peak_per_s", label="accepted bids at the peak", unit="/s"),
        Figure(name="goodput_per_s", label="accepted bids of the patient", unit="/s"),
        Figure(name="answered_per_s", label="answers, refusals too", unit="/s"),
        Figure(name="new_p50_ms", label="a new client's answer, p50", unit="ms"),
        Figure(name="new_p99_ms", label="a new client's answer, p99", unit="ms"),
        Figure(name="new_refused_percent", label="of them refused for load", unit="%"),
        Figure(name="p50_ms", label="an answer, p50", unit="ms"),
        Figure(name="p99_ms", label="an answer, p99", unit="ms"),
        Figure(name="memory_peak_mb", label="server's memory, peak", unit="MB"),
    )

    def measure(self, scratch: Path, effort: Effort) -> Measured:
        """See OwnServersCase.measure.

        Only acceptances that reach their client count. A caller asks again only after its answer and a rest: where
        answers are late, less is asked than was meant.
        """
        with running_server(GAVEL_COMMAND, scratch) as server:
            return self._measure(server, effort)

    def _measure(self, server: Server, effort: Effort) -> Measured:
        category = f"bench-{uuid4()}"
        item_ids, bids_before = create_items(server.port, category, effort.callers // CALLERS_PER_ITEM), 0
        new = Newcomers()

        def bid(connections: int, seconds: int, pause_ms: int = 0) -> Load:
            """What the callers saw. Afterwards nothing is owed."""
            nonlocal bids_before
            beside = newcomers(server.port, item_ids[0], new) if pause_ms else nullcontext()
            with beside:
                load = place_bids(
                    server.port,
                    item_ids,
                    bids_before=bids_before,
                    connections=connections,
                    seconds=seconds,
                    pause_ms=pause_ms,
                )
            bids_before += load.sent_max(connections)
            drain(server.bid_db_url)
            return load

        def peak() -> float:
            """Accepted bids a second where as many come as can be done."""
            load = bid(effort.connections, effort.seconds)
            if not load.accepted:
                raise MeasurementFailed("no bid was accepted")
            return load.accepted / load.seconds

        bid(effort.connections, effort.warmup_seconds)
        # In turn, so that noise of the machine affects all alike.
        peaks_per_s = [peak()]
        resting = max(effort.callers - peaks_per_s[0] * WAIT_SECONDS, 0)
        pause_ms = max(round(resting / (TIMES_CAPACITY * peaks_per_s[0]) * 1_000), 1)
        load = bid(effort.callers, TIMES_AS_LONG * effort.seconds, pause_ms)
        peaks_per_s.append(peak())
        flood = bid(effort.callers, TIMES_AS_LONG * effort.seconds, FLOOD_PAUSE_MS)
        peaks_per_s.append(peak())
        peak_per_s = statistics.fmean(peaks_per_s)
        goodput_per_s = load.accepted / load.seconds
        return {
            "goodput_percent": goodput_per_s / peak_per_s * 100,
            "flood_percent": flood.accepted / flood.seconds / peak_per_s * 100,
            "flood_times": (flood.answered + flood.late) / flood.seconds / peak_per_s,
            "peak_per_s": peak_per_s,
            "goodput_per_s": goodput_per_s,
            "offered_times": (load.answered + load.late) / load.seconds / peak_per_s,
            "answered_per_s": load.answered / load.seconds,
            "new_p50_ms": percentile(new.answers_ms, 50),
            "new_p99_ms": percentile(new.answers_ms, 99),
            "new_refused_percent": new.refused / len(new.answers_ms) * 100,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
            "memory_peak_mb": server.usage().memory_peak_mb,
        }


OVERLOAD = Overload()
