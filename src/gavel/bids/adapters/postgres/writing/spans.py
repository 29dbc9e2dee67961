"""The spans of the write side's decisions: one for each command, and one for the transaction that serves many."""

from collections.abc import Sequence

from opentelemetry.trace import SpanKind

from gavel.bids.adapters.postgres.writing.lane import Command
from gavel.bids.adapters.postgres.writing.metrics import BatchTimes
from gavel.bids.ports.book import Call
from gavel.runtime.telemetry import tracing


def record_commit(commands: Sequence[Command], times: BatchTimes) -> None:
    """A batch's transaction, under the first sampled command in it and with links to the others."""
    if not tracing.is_on():
        return
    milliseconds = 1000
    tracing.record(
        "commit batch",
        [command.call.traceparent for command in commands],
        times.begun_seconds,
        times.committed_seconds,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "postgresql",
            "gavel.batch.commands": len(commands),
            "gavel.batch.lock_ms": (times.locked_seconds - times.begun_seconds) * milliseconds,
            "gavel.batch.commit_ms": (times.committed_seconds - times.written_seconds) * milliseconds,
        },
    )


def record_decision(call: Call, queued_seconds: float, decided_seconds: float, error: BaseException | None) -> None:
    """One command, from the lane's queue to its answer."""
    outcome = "accepted" if error is None else type(error).__name__
    tracing.record(
        "decide", (call.traceparent,), queued_seconds, decided_seconds, attributes={"gavel.outcome": outcome}
    )
