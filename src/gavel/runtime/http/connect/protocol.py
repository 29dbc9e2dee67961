"""The Connect protocol (connectrpc.com/docs/protocol): codecs, compression, errors, and the framing of streams."""

import json
import re
import zlib
from base64 import b64encode
from struct import Struct
from typing import TypeVar

from connectrpc.code import Code
from connectrpc.codec import Codec, proto_binary_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError, ErrorDetail
from protobuf import Message

from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.connect.json_codec import FieldInvalid, StrictJsonCodec
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.responses import JSON_LINES, Response

# A shorter response fits into a packet as it is.
COMPRESS_BYTES_MIN = 1_400

_GZIP = GzipCompression()
_ENCODINGS = ("", "identity", "gzip")
_GZIP_ACCEPTED = (b"gzip", b"*", b"gzip;q=1", b"gzip;q=1.0", b"gzip;q=1.00", b"gzip;q=1.000")

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

_STREAM_TYPES = (b"application/connect+json", b"application/connect+proto")

_PYTHON_TYPE = re.compile(r"<class '(\w+)'>")
# What a parser quotes of a body, and the line and column at the end of its message, which are kept.
_QUOTED = re.compile(r"""'.*'|".*"|(?<=from JSON): .*|(?<!\w)-?\d[\w.+-]*|\d{3,}""", re.DOTALL)
_PLACE = re.compile(r": line \d+ column \d+ \(char \d+\)\Z")
_Message = TypeVar("_Message", bound=Message)


class StrictCodec:
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


JSON_CODEC = StrictCodec(StrictJsonCodec())
PROTO_CODEC = StrictCodec(proto_binary_codec())
CODECS = (JSON_CODEC, PROTO_CODEC)


def error_response(error: ConnectError) -> Response:
    """The response of a unary error in the Connect protocol."""
    lines = JSON_LINES
    if isinstance(error, RetryLater):
        lines += b"retry-after: %b\r\n" % error.retry_after.encode()
    if error.code is Code.UNAUTHENTICATED:
        lines += b"www-authenticate: Bearer\r\n"
    return Response(_HTTP_STATUS[error.code], lines, _error_text(error).encode())


def envelope(data: bytes, flags: int = 0) -> bytes:
    """Frame one message of a stream in the Connect protocol."""
    return _ENVELOPE.pack(flags, len(data)) + data


def end_of_stream(error: ConnectError) -> bytes:
    """The last message of a stream that ends with an error; Retry-After is sent as metadata."""
    text = f'{{"error": {_error_text(error)}'
    if isinstance(error, RetryLater):
        text += f', "metadata": {{"retry-after": ["{error.retry_after}"]}}'
    return envelope(f"{text}}}".encode(), END_OF_STREAM)


def refusal_response(error: ConnectError, content_type: bytes) -> Response:
    """The response to a call that is refused unread: an end of stream for a streaming call, else a unary error."""
    # Not as it was sent: what it holds besides would become part of the head.
    kind = content_type.partition(b";")[0].strip().lower()
    if kind not in _STREAM_TYPES:
        return error_response(error)
    return Response(200, b"content-type: %b\r\n" % kind, end_of_stream(error))


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
    if encoding not in _ENCODINGS:
        raise _unknown_encoding()
    if flags == 0:
        return data
    if encoding in ("", "identity"):
        raise ConnectError(Code.INVALID_ARGUMENT, "the message is compressed, and the headers do not say how")
    return decompressed(data, encoding)


def decompressed(data: bytes, encoding: str) -> bytes:
    """Decompress a message. Raises ConnectError.

    Limited to REQUEST_BYTES_MAX, so that a small message can't become a large one.
    """
    if encoding in ("", "identity") or not data:
        return data
    if encoding not in _ENCODINGS:
        raise _unknown_encoding()
    try:
        return _GZIP.decompress(data, REQUEST_BYTES_MAX)
    except EOFError as error:
        raise ConnectError(Code.INVALID_ARGUMENT, "the compressed message is cut off") from error
    except zlib.error as error:
        raise ConnectError(Code.INVALID_ARGUMENT, "the message is not what gzip makes") from error


def _unknown_encoding() -> ConnectError:
    return ConnectError(Code.UNIMPLEMENTED, "a message may be compressed by gzip, and by nothing else")


def compressed(response: Response, accepted: bytes) -> Response:
    """Compress a response, if its client accepts gzip and it is longer than a packet."""
    if len(response.body) < COMPRESS_BYTES_MIN:
        return response
    lines = response.lines + b"vary: accept-encoding\r\n"
    if not any(each.replace(b" ", b"") in _GZIP_ACCEPTED for each in accepted.lower().split(b",")):
        return response._replace(lines=lines)
    return Response(response.status, lines + b"content-encoding: gzip\r\n", _GZIP.compress(response.body))


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
