"""Cost of tracing on the bid path: off, and with one request in ten sampled and its spans exported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel_tools.bench.systems.side_by_side import Variant, costs
from gavel_tools.bench.systems.span_sink import span_sink


@dataclass(frozen=True, slots=True)
class Tracing:
    """The same bids, without and with a collector."""

    name: str = "tracing"
    section: str = "tracing"
    title: str = "Tracing, one in ten sampled"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="cost_percent", label="more CPU a bid in the server", unit="%", at_most=10),
        Figure(name="cpu_us_off", label="server's CPU a bid, off", unit="µs"),
        Figure(name="cpu_us_sampled", label="server's CPU a bid, sampled", unit="µs"),
        Figure(name="accepted_per_s_off", label="accepted bids, off", unit="/s"),
        Figure(name="accepted_per_s_sampled", label="accepted bids, sampled", unit="/s"),
    )

    def measure(self, scratch: Path, effort: Effort) -> Measured:
        """See OwnServersCase.measure."""
        with span_sink() as sink:
            sampled = Variant({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_TRACES_SAMPLER_ARG": "0.1"})
            cost = costs({"off": Variant(), "sampled": sampled}, scratch, effort)
            if not sink.taken:
                raise MeasurementFailed("no span was exported")
        return {
            "cost_percent": (cost["sampled"].cpu_us_per_bid / cost["off"].cpu_us_per_bid - 1) * 100,
            "cpu_us_off": cost["off"].cpu_us_per_bid,
            "cpu_us_sampled": cost["sampled"].cpu_us_per_bid,
            "accepted_per_s_off": cost["off"].accepted_per_s,
            "accepted_per_s_sampled": cost["sampled"].accepted_per_s,
        }


TRACING = Tracing()
