"""The Connect protocol (connectrpc.com/docs/protocol): codecs, compression, errors, and the framing of streams.

Its JSON codec is strict in the requests that it reads, and complete in the replies that it writes. protobuf-py reads an
integer in a string as Python does ("1_000", "+5", "007", digits of any script), and rounds a long fraction to an
integer; of a field that is given twice it takes the last; where it ignores unknown fields, it drops unknown enum values
too. These are refused here, and so is what it refuses without the field's name. Unknown fields stay ignored.
"""

import json
import re
import zlib
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from struct import Struct
from typing import Any, TypeVar, cast

from connectrpc.code import Code
from connectrpc.codec import Codec, proto_binary_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError, ErrorDetail
from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Message,
    ScalarType,
)

from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.exchange import JSON_LINES, Response
from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX

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
_NOT_INTEGERS = (ScalarType.STRING, ScalarType.BYTES, ScalarType.BOOL, ScalarType.FLOAT, ScalarType.DOUBLE)
# A number as JSON writes it, in a string or not. No integer that a field holds has a longer exponent.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(_INTEGER.pattern + r"(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
# Numbers with a fraction or an exponent are kept as they are written, since a float may differ from them.
# An object is a tuple of its fields, in which none has replaced another.
_parse = json.JSONDecoder(parse_float=str, object_pairs_hook=tuple).decode
# The form in JSON of each well-known type that requests have.
_FORMS = {
    "google.protobuf.Timestamp": "a time as RFC 3339 writes one, such as 2030-01-31T12:00:00Z",
    "google.protobuf.FieldMask": "a text with the names of fields, separated by commas, in camelCase",
}

_Message = TypeVar("_Message", bound=Message)
# Checks the value of a field. Raises FieldInvalid.
Check = Callable[[Any], None]


class FieldInvalid(ValueError):
    """A field can't have its value. The text names the field and never quotes the value, which may be secret."""


class StrictJsonCodec:
    """Codec of connectrpc for ProtoJSON."""

    def name(self) -> str:
        """The part of the content type after `application/`."""
        return "json"

    def encode(self, message: Message) -> bytes:
        """Encode a message, zero values included; messages and optional fields that are absent stay absent."""
        return message.to_json(always_emit_implicit=True).encode()

    def decode(self, data: bytes | bytearray, message_class: type[_Message]) -> _Message:
        """Decode a message. Raises FieldInvalid, or another Exception."""
        _check_fields(_parse(data.decode()), message_class.desc())
        return message_class.from_json(data, ignore_unknown_fields=True)


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


def _check_fields(fields: Any, message: DescMessage) -> None:
    if not isinstance(fields, tuple):
        # The decoder refuses the body.
        return
    known, seen = _fields_of(message), 0
    for name, value in cast("tuple[tuple[str, Any], ...]", fields):
        field = known.get(name)
        if field is None:
            continue
        bit, check, where = field
        if seen & bit:
            raise FieldInvalid(f"{where} is given twice")
        seen |= bit
        if check is not None and value is not None:
            check(value)


@cache
def _fields_of(message: DescMessage) -> dict[str, tuple[int, Check | None, str]]:
    """The fields by both of their JSON names: a bit of its own, the check that it needs, and its full name."""
    fields = dict[str, tuple[int, Check | None, str]]()
    for index, field in enumerate(message.fields):
        where = f"{message.type_name}.{field.name}"
        fields[field.name] = fields[field.json_name] = (1 << index, _check_of(field, where), where)
    return fields


def _check_of(field: DescField, where: str) -> Check | None:
    match field.value:
        case DescFieldValueScalar(scalar=kind):
            return _value_check(kind, where)
        case DescFieldValueEnum(enum=kind):
            return _value_check(kind, where)
        case DescFieldValueMessage(message=kind):
            return _value_check(kind, where)
        case DescFieldValueList(element=kind):
            check = _value_check(kind, where)
            return None if check is None else lambda values: _check_each(values, check)
        case DescFieldValueMap():
            raise TypeError(f"{where}: maps in requests are not checked")


def _value_check(kind: ScalarType | DescEnum | DescMessage, where: str) -> Check | None:
    match kind:
        case DescEnum():
            names = {value.name: value.number for value in kind.values}
            return lambda value: _check_enum(value, names, where)
        case DescMessage():
            form = _FORMS.get(kind.type_name)
            if form is not None:
                return lambda value: _check_well_known(value, kind, f"{where} must be {form}")
            return lambda value: _check_object(value, kind, where)
        case ScalarType():
            return None if kind in _NOT_INTEGERS else lambda value: _check_integer(value, where)


def _check_each(values: Any, check: Check) -> None:
    # The decoder refuses what is no list, and null within one.
    if isinstance(values, list):
        for value in cast("list[Any]", values):
            if value is not None:
                check(value)


def _check_object(value: Any, message: DescMessage, where: str) -> None:
    if not isinstance(value, tuple):
        raise FieldInvalid(f"{where} must be an object")
    _check_fields(value, message)


def _check_well_known(value: Any, message: DescMessage, problem: str) -> None:
    try:
        message.type.from_json(json.dumps(value))
    except (ValueError, TypeError):
        raise FieldInvalid(problem) from None


def _check_enum(value: Any, names: dict[str, int], where: str) -> None:
    if type(value) not in (str, int) or (value not in names and value not in names.values()):
        raise FieldInvalid(f"{where} must be one of {', '.join(names)}")


def _check_integer(value: Any, where: str) -> None:
    if isinstance(value, str) and not _INTEGER.fullmatch(value) and not _is_integral(value):
        raise FieldInvalid(f"not an integer as JSON writes one for field {where}")


def _is_integral(text: str) -> bool:
    if not _NUMBER.fullmatch(text):
        return False
    value = float(text)
    return value.is_integer() and Decimal(text) == value
