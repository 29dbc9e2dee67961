"""Distributed tracing with OpenTelemetry, exported by OTLP over HTTP.

A trace context travels as the text of W3C's `traceparent`: in the header of a request, in each event that it made, in
the message that carries the event. A span is recorded once it is over, and only if its trace is sampled. So an
unsampled request costs only the making of its ids, and tracing costs nothing without a collector: the SDK and the
exporter are imported where one is named.
"""

import asyncio
import os
import random
import re
import threading
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gavel import __version__
from gavel.runtime.loopback import is_loopback

if TYPE_CHECKING:
    import requests
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

# A collector that does not keep up loses the oldest spans, not this process's memory.
SPANS_WAITING_MAX = 8_192
SPANS_A_REQUEST_MAX = 512
EXPORT_EVERY_SECONDS = 1.0
EXPORT_SECONDS_MAX = 3.0
# Requests of a batch beyond these are in its span by number only.
LINKS_MAX = 128

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z").match
# The last digit of the flags, where their lowest bit, "sampled", is set.
_SAMPLED = frozenset("13579bdf")
_FLAGS_AT, _LAST_AT = 53, 54

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class _Export:
    processor: "BatchSpanProcessor"
    resource: "Resource"
    scope: "InstrumentationScope"
    sample_ratio: float


_export: _Export | None = None
# Whether this process exports spans: plain, so that a request asks at no cost.
is_on = False


@asynccontextmanager
async def exporting(process: str, endpoint: str | None, sample_ratio: float) -> AsyncGenerator[None]:
    """Send the spans of this process to the collector at `endpoint` inside the context; no effect without one.

    `sample_ratio`, 0 to 1, is the sampled share of requests without a trace context; else the context decides.
    Spans that the collector does not take in time are lost.
    """
    global _export, is_on  # noqa: PLW0603 - as with logs, there is one for the process
    if not endpoint:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    url = f"{endpoint.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS_MAX, session=_session(url))
    processor = BatchSpanProcessor(
        exporter,
        max_queue_size=SPANS_WAITING_MAX,
        schedule_delay_millis=EXPORT_EVERY_SECONDS * 1000,
        max_export_batch_size=SPANS_A_REQUEST_MAX,
    )
    name = os.environ.get("OTEL_SERVICE_NAME") or f"gavel-{process}"
    resource = Resource.create({"service.name": name, "service.version": __version__})
    _export = _Export(processor, resource, InstrumentationScope("gavel", __version__), sample_ratio)
    is_on = True
    try:
        yield
    finally:
        _export, is_on = None, False
        # In a thread, since the library may wait for the collector without a bound.
        last = threading.Thread(target=processor.shutdown, name="last-spans", daemon=True)
        last.start()
        await asyncio.to_thread(last.join, EXPORT_SECONDS_MAX)


def _session(url: str) -> "requests.Session | None":
    """Make a session without proxies for a collector on this machine; None for others: the exporter's own session."""
    if not is_loopback(urlsplit(url).hostname or ""):
        return None
    import requests

    session = requests.Session()
    session.trust_env = False
    return session


def valid(text: str) -> str:
    """Return the text if it is a W3C trace context, version 00; else an empty text. Never raises."""
    return text if _TRACEPARENT(text) else ""


def is_sampled(traceparent: str) -> bool:
    """Whether spans under this trace context are recorded."""
    return _export is not None and traceparent[_LAST_AT:] in _SAMPLED


def begin(traceparent: str) -> str:
    """Return the trace context of a new request's span, from the one it came with (valid, or empty).

    The same context if that is not sampled, or if nothing is exported; empty for a new trace that is not sampled.
    """
    if _export is None:
        return traceparent
    if traceparent:
        return _child_of(traceparent) if is_sampled(traceparent) else traceparent
    if random.random() >= _export.sample_ratio:
        return ""
    return f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01"


def record(
    name: str,
    under: Iterable[str],
    started_seconds: float,
    ended_seconds: float,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    own: str = "",
    attributes: Attributes | None = None,
    error: str = "",
) -> str:
    """Record a finished span, and return its trace context; without a sampled context do nothing, and return "".

    Its parent is the first sampled context in `under`; the others become links. `own` is the context that `begin` or
    `child` made for it. Times are those of `time.perf_counter`.
    """
    export = _export
    if export is None:
        return ""
    parents = [each for each in dict.fromkeys(under) if is_sampled(each)]
    if not parents and not is_sampled(own):
        return ""
    from opentelemetry.sdk.trace import ReadableSpan

    own = own or _child_of(parents[0])
    now_ns, now_seconds = time.time_ns(), time.perf_counter()
    export.processor.on_end(
        ReadableSpan(
            name,
            context=_context(own, remote=False),
            parent=_context(parents[0]) if parents else None,
            resource=export.resource,
            attributes=dict(attributes or {}),
            links=[Link(_context(each)) for each in parents[1 : LINKS_MAX + 1]],
            kind=kind,
            status=Status(StatusCode.ERROR, error) if error else Status(),
            start_time=now_ns - int((now_seconds - started_seconds) * 1e9),
            end_time=now_ns - int((now_seconds - ended_seconds) * 1e9),
            instrumentation_scope=export.scope,
        )
    )
    return own


def child(under: Iterable[str]) -> str:
    """Make the context of a span that is passed on before the span is over; empty if none of `under` is sampled."""
    for each in under:
        if is_sampled(each):
            return _child_of(each)
    return ""


@contextmanager
def publishing(under: Sequence[str], system: str, destination: str, *, messages: int, events: int) -> Generator[str]:
    """Record a span of publishing inside the context; yields its trace context, to be sent along, or an empty text."""
    own, started_seconds, error = child(under), time.perf_counter(), ""
    try:
        yield own
    except BaseException as failure:
        error = type(failure).__name__
        raise
    finally:
        if own:
            record(
                f"publish {destination}",
                under,
                started_seconds,
                time.perf_counter(),
                kind=SpanKind.PRODUCER,
                own=own,
                attributes={
                    "messaging.system": system,
                    "messaging.destination.name": destination,
                    "messaging.batch.message_count": messages,
                    "gavel.events": events,
                },
                error=error,
            )


def _child_of(traceparent: str) -> str:
    return f"{traceparent[:36]}{random.getrandbits(64):016x}{traceparent[_FLAGS_AT - 1 :]}"


def _context(traceparent: str, *, remote: bool = True) -> SpanContext:
    """Parse version, trace id, span id and flags, separated by hyphens (W3C Trace Context, section 3.2)."""
    trace_id, span_id, flags = traceparent[3:35], traceparent[36:52], traceparent[_FLAGS_AT:]
    return SpanContext(int(trace_id, 16), int(span_id, 16), remote, TraceFlags(int(flags, 16)))
