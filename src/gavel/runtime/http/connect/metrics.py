"""RPC instrumentation: counts by method and code, durations by method, and a span for each sampled call."""

from collections.abc import Sequence
from time import perf_counter

from connectrpc.code import Code
from opentelemetry.trace import SpanKind
from prometheus_client.core import Metric

from gavel.runtime.http.calls import Call
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import counter, histogram

OK = "ok"
# One label for all unknown methods: callers must not be able to make labels.
UNKNOWN_METHOD = "unknown"

# Failures of the server; callers' mistakes and the auction's refusals are answers.
_FAILURES = frozenset(
    code.value for code in (Code.INTERNAL, Code.UNAVAILABLE, Code.UNKNOWN, Code.DATA_LOSS, Code.DEADLINE_EXCEEDED)
)


class _MethodMetrics:
    """Counts of one method's calls by code, and a histogram of their durations."""

    __slots__ = ("calls", "seconds")

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.seconds = Histogram()


class RpcMetrics:
    """Metrics of a service's calls: counts by method and code, and durations by method."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._methods: dict[str, _MethodMetrics] = {}

    def answered(self, method: str, code: str, call: Call) -> None:
        """Count one answered call, and record its span. `code` is Connect's, or `ok`."""
        ended_seconds = perf_counter()
        metrics = self._methods.get(method)
        if metrics is None:
            metrics = self._methods[method] = _MethodMetrics()
        metrics.calls[code] = metrics.calls.get(code, 0) + 1
        metrics.seconds.observe(ended_seconds - call.started_seconds)
        if tracing.is_sampled(call.traceparent):
            about = {f"gavel.{name}": value for name, value in call.bound.items()}
            tracing.record(
                f"{self.service}/{method}",
                (call.incoming,),
                call.started_seconds,
                ended_seconds,
                kind=SpanKind.SERVER,
                own=call.traceparent,
                attributes={
                    "rpc.system.name": "connectrpc",
                    "rpc.response.status_code": code,
                    "http.request.id": call.request_id,
                    **about,
                },
                error=code if code in _FAILURES else "",
            )

    async def read(self) -> Sequence[Metric]:
        """Read the metrics."""
        calls = {
            (method, code): float(count)
            for method, metrics in self._methods.items()
            for code, count in metrics.calls.items()
        }
        return [
            counter(
                "gavel_rpc_calls_total",
                "Answered calls by method and Connect code (ok where there was no error).",
                ("method", "code"),
                calls,
            ),
            histogram(
                "gavel_rpc_duration_seconds",
                "From a call's arrival in the application to its answer.",
                ("method",),
                {(method,): metrics.seconds for method, metrics in self._methods.items()},
            ),
        ]
