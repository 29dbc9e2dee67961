"""Connect protocol support for every service: codecs, error mapping, stream framing and call limits."""

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

from gavel.runtime.http.json_codec import FieldInvalid, StrictJsonCodec
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
# What a parser quotes of a body, and the line and column at the end of its message, which are kept.
_QUOTED = re.compile(r"""'.*'|".*"|(?<=from JSON): .*|(?<!\w)-?\d[\w.+-]*|\d{3,}""", re.DOTALL)
_PLACE = re.compile(r": line \d+ column \d+ \(char \d+\)\Z")
_Message = TypeVar("_Message", bound=Message)

# Maps a service's own exceptions to Connect errors; None for an unexpected one.
MapError = Callable[[Exception], ConnectError | None]

_log = structlog.get_logger(__name__)


class ToldCodec:
    """Codec of connectrpc that maps parser errors to Connect errors, without Python's type names."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def name(self) -> str:
        """The part of the content type after `application/`."""
        return self._codec.name()

    def encode(self, message: Message) -> bytes:
        """Encode a message."""
        return self._codec.encode(message)

    def decode(self, data: bytes | bytearray, message_class: type[_Message]) -> _Message:
        """Decode a message. Raises ConnectError (invalid_argument)."""
        try:
            return self._codec.decode(data, message_class)
        except Exception as error:
            problem = str(error) if isinstance(error, FieldInvalid) else _unquoted(str(error))
            raise ConnectError(Code.INVALID_ARGUMENT, f"the body is not what it should be: {problem}") from error


def _unquoted(complaint: str) -> str:
    """A parser's error text without what it quotes: that may be a maximum or a reserve, and the text is logged."""
    place = _PLACE.search(complaint)
    text = _PYTHON_TYPE.sub(r"\1", complaint[: place.start()] if place else complaint)
    return _QUOTED.sub("...", text) + (place[0] if place else "")


JSON_CODEC = ToldCodec(StrictJsonCodec())
PROTO_CODEC = ToldCodec(proto_binary_codec())
CODECS = (JSON_CODEC, PROTO_CODEC)


class RetryLater(ConnectError):
    """A temporary error, whose reply has a Retry-After header in whole seconds."""

    def __init__(self, code: Code, message: str, retry_after_seconds: float) -> None:
        super().__init__(code, message)
        self.retry_after = str(max(1, math.ceil(retry_after_seconds)))


class MappedErrors:
    """Interceptor that maps every exception of a handler by the service's table, or to `internal`."""

    def __init__(self, map_error: MapError) -> None:
        self._map_error = map_error

    async def intercept_unary(
        self,
        call_next: Callable[[Any, RequestContext[Any, Any]], Awaitable[Any]],
        request: Any,
        ctx: RequestContext[Any, Any],
    ) -> Any:
        """Call the handler, and map what it raises."""
        try:
            return await call_next(request, ctx)
        except Exception as error:
            mapped = connect_error_of(error, self._map_error, ctx.method.name)
            if (seen := current_request()) is not None:
                seen.error_code = mapped.code.value
            if isinstance(mapped, RetryLater):
                ctx.response_headers["retry-after"] = mapped.retry_after
            raise mapped from error


def connect_error_of(error: Exception, map_error: MapError, method: str) -> ConnectError:
    """Map an exception to a Connect error. An unexpected one is logged, and its reply shows only a reference id."""
    mapped = error if isinstance(error, ConnectError) else map_error(error)
    if mapped is not None:
        if mapped.code not in (Code.UNAVAILABLE, Code.INTERNAL):
            _log.info("request_refused", method=method, code=mapped.code.value, reason=mapped.message)
        return mapped
    reference = uuid4().hex
    _log.error("unexpected_error", method=method, reference=reference, exc_info=error)
    return ConnectError(Code.INTERNAL, f"something went wrong on our side; reference {reference}")


def error_reply(error: ConnectError) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """HTTP status, headers and body of a unary error in the Connect protocol."""
    body = _error_text(error).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if isinstance(error, RetryLater):
        headers.append((b"retry-after", error.retry_after.encode()))
    return _HTTP_STATUS[error.code], headers, body


def envelope(data: bytes, flags: int = 0) -> bytes:
    """Frame one message of a stream in the Connect protocol."""
    return _ENVELOPE.pack(flags, len(data)) + data


def end_of_stream(error: ConnectError) -> bytes:
    """The last message of a stream that ends with an error; Retry-After is sent as metadata."""
    text = f'{{"error": {_error_text(error)}'
    if isinstance(error, RetryLater):
        text += f', "metadata": {{"retry-after": ["{error.retry_after}"]}}'
    return envelope(f"{text}}}".encode(), END_OF_STREAM)


def refusal_reply(error: ConnectError, content_type: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """The reply to a call that is refused unread: an end of stream for a streaming call, else a unary error."""
    if not content_type.startswith(b"application/connect+"):
        return error_reply(error)
    body = end_of_stream(error)
    return 200, [(b"content-type", content_type), (b"content-length", b"%d" % len(body))], body


def message_of(body: bytes, encoding: str) -> bytes:
    """The single message in the body of a streaming call. Raises ConnectError (invalid_argument, and others).

    Limited to REQUEST_BYTES_MAX after decompression, too.
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
    # Built as text, since a message writes its own JSON ten times faster than through a dict.
    value, message = b64encode(detail.message_bytes).decode().rstrip("="), detail.value()
    debug = "" if message is None else f', "debug": {message.to_json()}'
    return f'{{"type": "{detail.type_name}", "value": "{value}"{debug}}}'


def only_connect(app: Asgi) -> Asgi:
    """Refuse gRPC before an application: it needs trailers, which HTTP/1.1 as it is served here does not have.

    Headers are passed on as UTF-8, which connectrpc assumes and HTTP does not: other bytes are read as Latin-1.
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
    """The time limit of a call: the caller's timeout, at most CALL_SECONDS_MAX."""
    timeout_ms = ctx.timeout_ms
    return CALL_SECONDS_MAX if timeout_ms is None else min(timeout_ms / 1000, CALL_SECONDS_MAX)
