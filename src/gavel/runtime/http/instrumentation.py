"""RPC instrumentation: counts by method and code, durations by method, and a span for each sampled call."""

from collections.abc import Iterable, Sequence
from time import perf_counter

from connectrpc.code import Code
from opentelemetry.trace import SpanKind
from prometheus_client.core import Metric
from protobuf import DescService

from gavel.runtime.http.server import Asgi, Message, Receive, Scope, Send
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import counter, histogram
from gavel.runtime.telemetry.request_context import Request, enter

OK = "ok"
# One label for all unknown methods: callers must not be able to make labels.
UNKNOWN_METHOD = "unknown"

# Connect code by HTTP status, for replies without an error code: the reverse of Connect's table of codes.
_CODE_OF_STATUS = {
    200: OK,
    304: OK,
    400: Code.INVALID_ARGUMENT.value,
    404: Code.UNIMPLEMENTED.value,
    405: Code.UNIMPLEMENTED.value,
    413: Code.RESOURCE_EXHAUSTED.value,
    415: Code.INVALID_ARGUMENT.value,
    429: Code.RESOURCE_EXHAUSTED.value,
    501: Code.UNIMPLEMENTED.value,
    503: Code.UNAVAILABLE.value,
    504: Code.DEADLINE_EXCEEDED.value,
}
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

    def answered(self, method: str, code: str, started_seconds: float, incoming: str, request: Request) -> None:
        """Count one answered call, and record its span. `code` is Connect's, or `ok`.

        `started_seconds` is of `perf_counter`; `incoming` is the trace context that the call came with.
        """
        ended_seconds = perf_counter()
        metrics = self._methods.get(method)
        if metrics is None:
            metrics = self._methods[method] = _MethodMetrics()
        metrics.calls[code] = metrics.calls.get(code, 0) + 1
        metrics.seconds.observe(ended_seconds - started_seconds)
        if tracing.is_sampled(request.traceparent):
            about = {f"gavel.{name}": value for name, value in request.bound.items()}
            tracing.record(
                f"{self.service}/{method}",
                (incoming,),
                started_seconds,
                ended_seconds,
                kind=SpanKind.SERVER,
                own=request.traceparent,
                attributes={
                    "rpc.system.name": "connectrpc",
                    "rpc.response.status_code": code,
                    "http.request.id": request.request_id,
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


def instrumented(app: Asgi, service: DescService, metrics: RpcMetrics) -> Asgi:
    """Measure the unary calls of an application by method. Streams are not measured: they last as long as they like."""
    unary = {method.name for method in service.methods if method.method_kind == "unary"}
    streams = {method.name for method in service.methods} - unary

    async def seen(scope: Scope, receive: Receive, send: Send) -> None:
        method = str(scope["path"]).rpartition("/")[2]
        if method in streams:
            await app(scope, receive, send)
            return
        started_seconds = perf_counter()
        incoming, request_id = _headers(scope["headers"])
        request = Request(tracing.begin(incoming), request_id)
        enter(request)
        statuses = list[int]()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            await send(message)

        try:
            await app(scope, receive, noting)
        finally:
            code = request.error_code or _code_of(statuses)
            known = method if method in unary else UNKNOWN_METHOD
            metrics.answered(known, code, started_seconds, incoming, request)

    return seen


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The valid trace context and the request id that a request came with."""
    traceparent = request_id = b""
    for name, value in headers:
        if name == b"traceparent":
            traceparent = value
        elif name == b"x-request-id":
            request_id = value
    return tracing.valid(traceparent.decode("latin-1")), request_id.decode("latin-1")


def _code_of(statuses: Sequence[int]) -> str:
    """Map an HTTP status to a Connect code; CANCELED if the client left before a response began."""
    return _CODE_OF_STATUS.get(statuses[0], Code.UNKNOWN.value) if statuses else Code.CANCELED.value
