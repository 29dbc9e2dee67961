"""The span of handing events on, and the trace context that goes with them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from time import perf_counter

from opentelemetry.trace import SpanKind

from gavel.bids.adapters.postgres.outbox.event_traces import sampled_traces
from gavel.bids.ports.outbox import OutboxMessage
from gavel.runtime.telemetry import tracing


@contextmanager
def publishing(messages: Sequence[OutboxMessage], system: str, destination: str) -> Generator[str]:
    """A span for what is published inside; its trace context, to be sent along, or an empty text."""
    traces = sampled_traces(message.body for message in messages)
    own, started_seconds, error = tracing.child(traces), perf_counter(), ""
    try:
        yield own
    except BaseException as failure:
        error = type(failure).__name__
        raise
    finally:
        if own:
            tracing.record(
                f"publish {destination}",
                traces,
                started_seconds,
                perf_counter(),
                kind=SpanKind.PRODUCER,
                own=own,
                attributes={
                    "messaging.system": system,
                    "messaging.destination.name": destination,
                    "messaging.batch.message_count": len(messages),
                    "gavel.events": sum(message.event_count for message in messages),
                },
                error=error,
            )
