"""Procedures of a service over Connect: the routes that decode a request, call a handler, and encode its answer."""

import asyncio
from abc import ABC, abstractmethod
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from protobuf import DescService, Message
from protobuf.wkt.google.protobuf.descriptor_pb import MethodOptions

from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.errors import MapError, connect_error_of
from gavel.runtime.http.connect.metrics import OK, UNKNOWN_METHOD, RpcMetrics
from gavel.runtime.http.connect.protocol import (
    JSON_CODEC,
    PROTO_CODEC,
    StrictCodec,
    compressed,
    decompressed,
    end_of_stream,
    error_response,
    message_of,
)
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.responses import Response
from gavel.runtime.http.routes import OPEN, Access, Route
from gavel.runtime.telemetry.request_context import enter, within

_Request = TypeVar("_Request", bound=Message)

_CODECS = {"json": JSON_CODEC, "proto": PROTO_CODEC}
# By the content type as clients write it; others are normalised first.
_UNARY = {b"application/json": JSON_CODEC, b"application/proto": PROTO_CODEC}
_STREAM = {b"application/connect+json": JSON_CODEC, b"application/connect+proto": PROTO_CODEC}
_UNARY_LINES = {codec: b"content-type: %b\r\n" % content_type for content_type, codec in _UNARY.items()}
# The last field asks proxies such as nginx to forward each frame at once.
_STREAM_LINES = {
    codec: b"content-type: %b\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n" % content_type
    for content_type, codec in _STREAM.items()
}
_NO_SIDE_EFFECTS = MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS
_MEDIA_TYPE = Response(415, b"accept-post: application/json, application/proto\r\n")
_STREAM_MEDIA_TYPE = Response(415, b"accept-post: application/connect+json, application/connect+proto\r\n")
_NO_METHOD = Response(404, b"")
_VERSION = Response(505, b"")


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


class Streamed(Procedure[_Request]):
    """A procedure that answers with a stream. Its handler opens it by Exchange.open_stream, with `lines`.

    An exception before that ends the stream with an error.
    """

    def __init__(
        self,
        request: type[_Request],
        handler: Callable[[Call, _Request, StrictCodec, bytes], Awaitable[None]],
        access: Access,
    ) -> None:
        super().__init__(request, access)
        self.handler = handler

    def route(self, service: "Service", name: str, *, is_read: bool) -> Route:  # noqa: ARG002 - a stream is a POST
        """See Procedure.route."""
        return _StreamedRoute(service, name, self)


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
            codec, body = _codec_of(fields.get(b"content-type", b""), _UNARY), exchange.body
            encoding = fields.get(b"content-encoding")
            if encoding:
                body = decompressed(body, encoding.decode("latin-1"))
        elif exchange.method == "GET" and self._is_read:
            codec, body = _query_of(exchange.query)
        else:
            allowed = b"GET, POST" if self._is_read else b"POST"
            raise HttpRefusal(Response(405, b"allow: %b\r\n" % allowed), Code.UNIMPLEMENTED)
        _check_protocol(call)
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
        if withdraw is not None and not call.exchange.is_answered:
            call.exchange.on_lost = partial(self._lost, call, withdraw)

    def _answered(self, call: Call, codec: StrictCodec, answer: Message | Exception) -> None:
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
            self._succeed(call, response)


class _StreamedRoute:
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, service: Service, name: str, procedure: Streamed[Any]) -> None:
        self.access = procedure.access
        self._service = service
        self._name = name
        self._procedure = procedure

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        exchange = call.exchange
        if exchange.method != "POST":
            call.respond(Response(405, b"allow: POST\r\n"))
            return
        try:
            codec = _codec_of(call.fields.get(b"content-type", b""), _STREAM)
        except HttpRefusal:
            call.respond(_STREAM_MEDIA_TYPE)
            return
        if exchange.version != "1.1":
            # Its chunks are those of HTTP/1.1.
            call.respond(_VERSION)
            return
        task = exchange.run(self._run(call, codec))
        task.add_done_callback(lambda _: call.leave())
        exchange.on_lost = task.cancel

    async def _run(self, call: Call, codec: StrictCodec) -> None:
        enter(call)
        lines = _STREAM_LINES[codec]
        try:
            _check_protocol(call)
            encoding = call.fields.get(b"connect-content-encoding", b"").decode("latin-1")
            request = codec.decode(message_of(call.exchange.body, encoding), self._procedure.request)
            await self._procedure.handler(call, request, codec, lines)
        except Exception as error:  # noqa: BLE001 - the error table maps every exception, else it is internal
            mapped = self._service.error_of(call, self._name, error)
            if not call.exchange.is_answered:
                call.respond(Response(200, lines, end_of_stream(mapped)))


class _UnknownMethod:
    access = OPEN
    body_bytes_max = REQUEST_BYTES_MAX

    def __init__(self, service: Service) -> None:
        self._service = service

    def answer(self, call: Call) -> None:
        """See Route.answer."""
        self._service.metrics.answered(UNKNOWN_METHOD, Code.UNIMPLEMENTED.value, call)
        call.respond(_NO_METHOD)


def _codec_of(content_type: bytes, codecs: Mapping[bytes, StrictCodec]) -> StrictCodec:
    """The codec of a content type. Raises HttpRefusal, for gRPC among others: it needs trailers."""
    codec = codecs.get(content_type)
    if codec is None:
        codec = codecs.get(content_type.partition(b";")[0].strip().lower())
        if codec is None:
            raise HttpRefusal(_MEDIA_TYPE, Code.INVALID_ARGUMENT)
    return codec


def _check_protocol(call: Call) -> None:
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
