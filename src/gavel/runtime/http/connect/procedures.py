"""Procedures of a service over Connect: routes that decode requests, call handlers, and encode and count answers."""

import asyncio
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from opentelemetry.trace import SpanKind
from prometheus_client.core import Metric
from protobuf import DescService, Message
from protobuf.wkt.google.protobuf.descriptor_pb import MethodOptions

from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.errors import MapError, connect_error_of
from gavel.runtime.http.connect.protocol import (
    JSON_CODEC,
    PROTO_CODEC,
    StrictCodec,
    compressed,
    decompressed,
    error_response,
)
from gavel.runtime.http.exchange import Response
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.routes import OPEN, Access, Route
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import counter, histogram
from gavel.runtime.telemetry.request_context import enter, within

OK = "ok"
# One label for all unknown methods: callers must not be able to make labels.
UNKNOWN_METHOD = "unknown"

# Failures of the server; callers' mistakes and the auction's refusals are answers.
_FAILURES = frozenset(
    code.value for code in (Code.INTERNAL, Code.UNAVAILABLE, Code.UNKNOWN, Code.DATA_LOSS, Code.DEADLINE_EXCEEDED)
)

_Request = TypeVar("_Request", bound=Message)

_CODECS = {"json": JSON_CODEC, "proto": PROTO_CODEC}
# By the content type as clients write it; others are normalised first.
_UNARY = {b"application/json": JSON_CODEC, b"application/proto": PROTO_CODEC}
_UNARY_LINES = {codec: b"content-type: %b\r\n" % content_type for content_type, codec in _UNARY.items()}
_NO_SIDE_EFFECTS = MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS
_MEDIA_TYPE = Response(415, b"accept-post: application/json, application/proto\r\n")
_NO_METHOD = Response(404, b"")


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
        if tracing.is_on and tracing.is_sampled(call.traceparent):
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


class HttpRefusal(Exception):
    """A request that is no call: it is answered by HTTP's own status, without a Connect error."""

    def __init__(self, response: Response, code: Code) -> None:
        super().__init__(response.status)
        self.response = response
        self.code = code


class Procedure(ABC, Generic[_Request]):
    """A procedure of a service before it is given its name: the type of its request, and who may call it."""

    def __init__(self, request: type[_Request], access: Access) -> None:
        self.request = request
        self.access = access

    @abstractmethod
    def route(self, service: "Service", name: str, *, is_read: bool) -> Route:
        """Make the route of the procedure."""


class Unary(Procedure[_Request]):
    """A procedure whose handler is a coroutine function."""

    def __init__(
        self, request: type[_Request], handler: Callable[[Call, _Request], Awaitable[Message]], access: Access
    ) -> None:
        super().__init__(request, access)
        self.handler = handler

    def route(self, service: "Service", name: str, *, is_read: bool) -> Route:
        """See Procedure.route."""
        return _UnaryRoute(service, name, self, is_read=is_read)


class Submitted(Procedure[_Request]):
    """A procedure whose handler is a plain function, which answers by a callback: the fast path.

    From the request's bytes to the handler there is no task, no future and no timer. The handler returns what to call
    when the connection is lost before it is answered, which withdraws the request; a client that closes its half waits
    for its answer. What the handler raises is its answer.
    """

    def __init__(
        self,
        request: type[_Request],
        handler: Callable[[Call, _Request, Callable[[Message | Exception], None]], Callable[[], bool] | None],
        access: Access,
    ) -> None:
        super().__init__(request, access)
        self.handler = handler

    def route(self, service: "Service", name: str, *, is_read: bool) -> Route:
        """See Procedure.route."""
        return _SubmittedRoute(service, name, self, is_read=is_read)


class Service:
    """Routes of a service, with its error table and its metrics."""

    def __init__(self, desc: DescService, map_error: MapError, procedures: Mapping[str, Procedure[Any]]) -> None:
        """`procedures` by the names of the contract's methods. Raises ValueError unless they are all of them."""
        self.map_error = map_error
        self.metrics = RpcMetrics(desc.type_name)
        methods = {method.name: method for method in desc.methods}
        if methods.keys() != procedures.keys():
            raise ValueError(f"{desc.type_name} has other methods than {', '.join(procedures)}")
        self.path = f"/{desc.type_name}/"
        self.routes: dict[str, Route] = {
            self.path + name: each.route(self, name, is_read=methods[name].idempotency == _NO_SIDE_EFFECTS)
            for name, each in procedures.items()
        }
        self.routes[self.path] = _UnknownMethod(self)

    def error_of(self, call: Call, method: str, error: Exception) -> ConnectError:
        """Map and log what a handler raised."""
        with within(call):
            return connect_error_of(error, self.map_error, method)


class _RpcRoute:
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, service: Service, name: str, procedure: Procedure[Any], *, is_read: bool) -> None:
        self.access = procedure.access
        self._service = service
        self._name = name
        self._request = procedure.request
        self._is_read = is_read

    def _read(self, call: Call) -> tuple[StrictCodec, Any]:
        """Codec and message of a unary call. Raises ConnectError or HttpRefusal."""
        exchange, fields = call.exchange, call.fields
        if exchange.method == "POST":
            codec, body = codec_of(fields.get(b"content-type", b""), _UNARY), exchange.body
            encoding = fields.get(b"content-encoding")
            if encoding:
                body = decompressed(body, encoding.decode("latin-1"))
        elif exchange.method == "GET" and self._is_read:
            codec, body = _query_of(exchange.query)
        else:
            allowed = b"GET, POST" if self._is_read else b"POST"
            raise HttpRefusal(Response(405, b"allow: %b\r\n" % allowed), Code.UNIMPLEMENTED)
        check_protocol(call)
        if (seconds := call.asked_seconds()) is not None:
            call.shorten(seconds)
        return codec, codec.decode(body, self._request)

    def _encoded(self, call: Call, codec: StrictCodec, reply: Message) -> Response:
        response = Response(200, _UNARY_LINES[codec], codec.encode(reply))
        return compressed(response, call.fields.get(b"accept-encoding", b""))

    def _succeed(self, call: Call, response: Response) -> None:
        self._service.metrics.answered(self._name, OK, call)
        call.respond(response)

    def _fail(self, call: Call, error: Exception) -> None:
        if isinstance(error, HttpRefusal):
            self._service.metrics.answered(self._name, error.code.value, call)
            call.respond(error.response)
            return
        mapped = self._service.error_of(call, self._name, error)
        self._service.metrics.answered(self._name, mapped.code.value, call)
        call.respond(error_response(mapped))


class _SubmittedRoute(_RpcRoute):
    def __init__(self, service: Service, name: str, procedure: Submitted[Any], *, is_read: bool) -> None:
        super().__init__(service, name, procedure, is_read=is_read)
        self._handler = procedure.handler

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        try:
            codec, request = self._read(call)
            withdraw = self._handler(call, request, partial(self._answered, call, codec))
        except Exception as error:  # noqa: BLE001 - the error table maps every exception, else it is internal
            self._fail(call, error)
            return
        call.is_work = True
        if withdraw is not None and not call.exchange.is_answered:
            call.exchange.on_lost = partial(self._lost, call, withdraw)

    def _answered(self, call: Call, codec: StrictCodec, answer: Message | Exception) -> None:
        call.is_work = True
        if isinstance(answer, Exception):
            self._fail(call, answer)
            return
        try:
            response = self._encoded(call, codec, answer)
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
            return
        self._succeed(call, response)

    def _lost(self, call: Call, withdraw: Callable[[], bool]) -> None:
        if withdraw():
            self._service.metrics.answered(self._name, Code.CANCELED.value, call)
            call.leave()


class _UnaryRoute(_RpcRoute):
    def __init__(self, service: Service, name: str, procedure: Unary[Any], *, is_read: bool) -> None:
        super().__init__(service, name, procedure, is_read=is_read)
        self._handler = procedure.handler

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        try:
            codec, request = self._read(call)
        except Exception as error:  # noqa: BLE001 - the error table maps every exception, else it is internal
            self._fail(call, error)
            return
        task = call.exchange.run(self._run(call, codec, request))
        # A task that is cancelled before it starts runs nothing of its coroutine.
        task.add_done_callback(lambda _: call.leave())
        call.exchange.on_lost = task.cancel

    async def _run(self, call: Call, codec: StrictCodec, request: Any) -> None:
        enter(call)
        try:
            async with asyncio.timeout_at(call.deadline_seconds):
                reply = await self._handler(call, request)
            response = self._encoded(call, codec, reply)
        except asyncio.CancelledError:
            self._service.metrics.answered(self._name, Code.CANCELED.value, call)
            call.leave()
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(call, error)
        else:
            call.is_work = True
            self._succeed(call, response)


class _UnknownMethod:
    access = OPEN
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, service: Service) -> None:
        self._service = service

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        self._service.metrics.answered(UNKNOWN_METHOD, Code.UNIMPLEMENTED.value, call)
        call.respond(_NO_METHOD)


def codec_of(content_type: bytes, codecs: Mapping[bytes, StrictCodec]) -> StrictCodec:
    """The codec of a content type. Raises HttpRefusal, for gRPC among others: it needs trailers."""
    codec = codecs.get(content_type)
    if codec is None:
        codec = codecs.get(content_type.partition(b";")[0].strip().lower())
        if codec is None:
            raise HttpRefusal(_MEDIA_TYPE, Code.INVALID_ARGUMENT)
    return codec


def check_protocol(call: Call) -> None:
    call.check_fields()
    if call.fields.get(b"connect-protocol-version", b"1") != b"1":
        raise ConnectError(Code.INVALID_ARGUMENT, "connect-protocol-version must be 1")


def _query_of(query: bytes) -> tuple[StrictCodec, bytes]:
    """Codec and message of a GET ("Unary-Get-Request"). Raises ConnectError or HttpRefusal."""
    try:
        asked = {name: values[0] for name, values in parse_qs(query.decode(), keep_blank_values=True).items()}
    except ValueError as error:
        raise ConnectError(Code.INVALID_ARGUMENT, "the query is not in UTF-8") from error
    codec = _CODECS.get(asked.get("encoding", ""))
    if codec is None:
        raise HttpRefusal(_MEDIA_TYPE, Code.INVALID_ARGUMENT)
    message = asked.get("message")
    if message is None:
        raise ConnectError(Code.INVALID_ARGUMENT, "a GET needs the parameter message")
    body = message.encode()
    if asked.get("base64") == "1":
        try:
            body = urlsafe_b64decode(body + b"===")
        except Base64Error as error:
            raise ConnectError(Code.INVALID_ARGUMENT, "message is not what base64 makes") from error
    return codec, decompressed(body, asked.get("compression", ""))
