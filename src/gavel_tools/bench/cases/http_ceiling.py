"""The HTTP ceiling: what a bare HTTP server answers to the same load, and so the most that Gavel could reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed, Side
from gavel_tools.bench.clients.wrk import Load, place_bids
from gavel_tools.bench.systems.processes import Server

NAME = "http_ceiling"
RATE = "answered_per_s"


@dataclass(frozen=True, slots=True)
class HttpCeiling:
    """The requests of `one_item`, to a server that decides nothing."""

    name: str = NAME
    section: str = NAME
    title: str = "HTTP ceiling: a bare uvicorn"
    sides: Sequence[Side] = (Side.CEILING,)
    figures: Sequence[Figure] = (
        Figure(name=RATE, label="answers", unit="/s"),
        Figure(name="p50_ms", label="answer, p50", unit="ms"),
        Figure(name="p99_ms", label="answer, p99", unit="ms"),
        Figure(name="server_cpu_us", label="server's CPU an answer", unit="µs"),
    )

    def measure(self, server: Server, effort: Effort) -> Measured:
        """See ServerCase.measure."""
        item_ids = [str(uuid4())]

        def load(bids_before: int, seconds: int) -> Load:
            return place_bids(
                server.port, item_ids, bids_before=bids_before, connections=effort.connections, seconds=seconds
            )

        warm = load(0, effort.warmup_seconds)
        used_before = server.usage()
        answers = load(warm.sent_max(effort.connections), effort.seconds)
        cpu_seconds = server.usage().cpu_seconds - used_before.cpu_seconds
        if answers.broken or answers.late or answers.refused or not answers.answered:
            raise MeasurementFailed(f"the bare HTTP server failed under load: {answers}")
        return {
            RATE: answers.answered / answers.seconds,
            "p50_ms": answers.p50_ms,
            "p99_ms": answers.p99_ms,
            "server_cpu_us": cpu_seconds / answers.answered * 1e6,
        }


HTTP_CEILING = HttpCeiling()
