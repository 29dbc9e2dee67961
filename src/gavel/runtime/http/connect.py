"""Connect as every service uses it: errors by a table, nothing of the inside in a reply, bounded calls."""

import json
import math
import re
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from connectrpc.code import Code
from connectrpc.codec import Codec, proto_binary_codec
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.request import RequestContext
from protobuf import Message

from gavel.runtime.http.json_codec import StrictJsonCodec
from gavel.runtime.http.server import Asgi, Receive, Scope, Send
from gavel.runtime.telemetry.request_context import current_request

REQUEST_BYTES_MAX = 256 * 1024
CALL_SECONDS_MAX = 10.0

# The Connect protocol, "Error codes": the HTTP status of each code's unary reply.
_HTTP_STATUS = {
    Code.CANCELED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}

# The Connect protocol, "Streaming RPCs": a byte of flags and the length stand before each message.
_ENVELOPE = Struct(">BI")
COMPRESSED = 1
END_OF_STREAM = 2

_PYTHON_TYPE = re.compile(r"<class '(\w+)'>")
# What a parser quotes of a body, and the place at the end of what it says, which is worth knowing.
_QUOTED = re.compile(r"""'.*'|".*"|(?<=from JSON): .*|(?<!\w)-?\d[\w.+-]*|\d{3,}""", re.DOTALL)
_PLACE = re.compile(r": line \d+ column \d+ \(char \d+\)\Z")
_Message = TypeVar("_Message", bound=Message)

# What a service says of its own exceptions; None for one that it does not expect.
MapError = Callable[[Exception], ConnectError | None]

_log = structlog.get_logger(__name__)


class ToldCodec:
    """A codec of connectrpc whose parser's complaints are told in the words of the contract, not of Python."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def name(self) -> str:
        """What follows `application/` in the content type."""
        return self._codec.name()

    def encode(self, message: Message) -> bytes:
        """The message as bytes."""
        return self._codec.encode(message)

    def decode(self, data: bytes | bytearray, message_class: type[_Message]) -> _Message:
        """The message that the bytes hold. Raises ConnectError (invalid_argument)."""
        try:
            return self._codec.decode(data, message_class)
        except Exception as error:
            problem = _unquoted(str(error))
            raise ConnectError(Code.INVALID_ARGUMENT, f"the body is not what it should be: {problem}") from error


def _unquoted(complaint: str) -> str:
    """A parser's complaint without what it quotes: that may be a maximum or a reserve, and complaints are logged."""
    place = _PLACE.search(complaint)
    told = _PYTHON_TYPE.sub(r"\1", complaint[: place.start()] if place else complaint)
    return _QUOTED.sub("...", told) + (place[0] if place else "")


JSON_CODEC = ToldCodec(StrictJsonCodec())
PROTO_CODEC = ToldCodec(proto_binary_codec())
CODECS = (JSON_CODEC, PROTO_CODEC)


class RetryLater(ConnectError):
    """An error that goes away by itself: its reply tells when to come back, in whole seconds, in Retry-After."""

    def __init__(self, code: Code, message: str, retry_after_seconds: float) -> None:
        super().__init__(code, message)
        self.retry_after = str(max(1, math.ceil(retry_after_seconds)))


class MappedErrors:
    """Interceptor: every exception of a handler leaves as what the service's table says of it, or as `internal`."""

    def __init__(self, map_error: MapError) -> None:
        self._map_error = map_error

    async def intercept_unary(
        self,
        call_next: Callable[[Any, RequestContext[Any, Any]], Awaitable[Any]],
        request: Any,
        ctx: RequestContext[Any, Any],
    ) -> Any:
        """Call on, and translate what is raised."""
        try:
            return await call_next(request, ctx)
        except Exception as error:
            told = connect_error_of(error, self._map_error, ctx.method.name)
            if (seen := current_request()) is not None:
                seen.error_code = told.code.value
            if isinstance(told, RetryLater):
                ctx.response_headers["retry-after"] = told.retry_after
            raise told from error


def connect_error_of(error: Exception, map_error: MapError, method: str) -> ConnectError:
    """What the caller is told of an exception. An unexpected one is logged under a reference id and told as that."""
    told = error if isinstance(error, ConnectError) else map_error(error)
    if told is not None:
        if told.code not in (Code.UNAVAILABLE, Code.INTERNAL):
            _log.info("request_refused", method=method, code=told.code.value, reason=told.message)
        return told
    reference = uuid4().hex
    _log.error("unexpected_error", method=method, reference=reference, exc_info=error)
    return ConnectError(Code.INTERNAL, f"something went wrong on our side; reference {reference}")


def error_reply(error: ConnectError) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """HTTP status, headers and body of a unary error, as the Connect protocol has them."""
    body = _error_text(error).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if isinstance(error, RetryLater):
        headers.append((b"retry-after", error.retry_after.encode()))
    return _HTTP_STATUS[error.code], headers, body


def envelope(data: bytes, flags: int = 0) -> bytes:
    """One message of a stream, as the Connect protocol frames it."""
    return _ENVELOPE.pack(flags, len(data)) + data


def end_of_stream(error: ConnectError) -> bytes:
    """The last message of a stream that ends with an error; when to come back is told as metadata."""
    text = f'{{"error": {_error_text(error)}'
    if isinstance(error, RetryLater):
        text += f', "metadata": {{"retry-after": ["{error.retry_after}"]}}'
    return envelope(f"{text}}}".encode(), END_OF_STREAM)


def refusal_reply(error: ConnectError, content_type: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The reply to a call that is refused unread: to a stream the error is its end, to all else a unary error."""
    if not content_type.startswith(b"application/connect+"):
        return error_reply(error)
    body = end_of_stream(error)
    return 200, [(b"content-type", content_type), (b"content-length", b"%d" % len(body))], body


def message_of(body: bytes, encoding: str) -> bytes:
    """The one message that the body of a streaming call must hold. Raises ConnectError (invalid_argument, and others).

    Bounded by REQUEST_BYTES_MAX after decompression, too.
    """
    if len(body) < _ENVELOPE.size:
        raise ConnectError(Code.INVALID_ARGUMENT, "the body must hold one message, with its five bytes in front")
    flags, length = _ENVELOPE.unpack_from(body)
    data = body[_ENVELOPE.size :]
    if len(data) != length or flags not in (0, COMPRESSED):
        raise ConnectError(Code.INVALID_ARGUMENT, "the body must hold one message, as long as it says")
    if flags == 0:
        return data
    if encoding != "gzip":
        raise ConnectError(Code.INVALID_ARGUMENT, "the message is compressed, and the headers do not say how")
    return _gunzipped(data)


def _gunzipped(data: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        plain = unzip.decompress(data, REQUEST_BYTES_MAX + 1)
    except zlib.error as error:
        raise ConnectError(Code.INVALID_ARGUMENT, "the message is not what gzip makes") from error
    if len(plain) > REQUEST_BYTES_MAX:
        raise ConnectError(Code.RESOURCE_EXHAUSTED, f"a message has at most {REQUEST_BYTES_MAX} bytes")
    if not unzip.eof:
        raise ConnectError(Code.INVALID_ARGUMENT, "the compressed message is cut off")
    return plain


def _error_text(error: ConnectError) -> str:
    text = f'{{"code": "{error.code.value}", "message": {json.dumps(error.message, ensure_ascii=False)}'
    if error.details:
        text += f', "details": [{", ".join(map(_detail_text, error.details))}]'
    return text + "}"


def _detail_text(detail: ErrorDetail) -> str:
    # Written piece by piece, since the message writes itself as JSON ten times faster than by way of a dict.
    value, message = b64encode(detail.message_bytes).decode().rstrip("="), detail.value()
    debug = "" if message is None else f', "debug": {message.to_json()}'
    return f'{{"type": "{detail.type_name}", "value": "{value}"{debug}}}'


def only_connect(app: Asgi) -> Asgi:
    """The application, gRPC refused: it needs trailers, which HTTP/1.1 as it is served here does not have.

    Headers come to it as UTF-8, which connectrpc takes for granted and HTTP does not: other bytes are read as Latin-1.
    """

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == b"content-type" and value.startswith(b"application/grpc") for name, value in scope["headers"]):
            headers = [(b"accept-post", b"application/json, application/proto"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 415, "headers": headers})
            await send({"type": "http.response.body"})
        elif all(value.isascii() for _, value in scope["headers"]):
            await app(scope, receive, send)
        else:
            await app(
                {**scope, "headers": [(name, _as_utf8(value)) for name, value in scope["headers"]]}, receive, send
            )

    return served


def _as_utf8(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value


def call_seconds(ctx: RequestContext[Any, Any]) -> float:
    """How long the caller waits: its own timeout, at most CALL_SECONDS_MAX."""
    timeout_ms = ctx.timeout_ms
    return CALL_SECONDS_MAX if timeout_ms is None else min(timeout_ms / 1000, CALL_SECONDS_MAX)
