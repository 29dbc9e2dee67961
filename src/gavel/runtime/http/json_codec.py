"""Connect's JSON codec: strict in the requests that it reads, complete in the replies that it writes.

protobuf-py reads an integer in a string as Python does ("1_000", "+5", "007", digits of any script) and rounds a long
fraction to an integer; where it ignores unknown fields, it drops unknown enum values too. These are refused here.
Unknown fields stay ignored.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

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

_Message = TypeVar("_Message", bound=Message)

# Checks a value that the decoder has read. Raises ValueError, which names the field and does not quote the value: it
# may be a maximum or a reserve.
Check = Callable[[Any], None]

_NOT_INTEGERS = (ScalarType.STRING, ScalarType.BYTES, ScalarType.BOOL, ScalarType.FLOAT, ScalarType.DOUBLE)
# A number as JSON writes it, in a string or not. No integer that a field holds has a longer exponent.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER = re.compile(_INTEGER.pattern + r"(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
# Numbers with a fraction or an exponent are kept as they are written, since a float may differ from them.
_parse = json.JSONDecoder(parse_float=str).decode


class StrictJsonCodec:
    """Codec of connectrpc for ProtoJSON."""

    def name(self) -> str:
        """The part of the content type after `application/`."""
        return "json"

    def encode(self, message: Message) -> bytes:
        """Encode a message, zero values included; messages and optional fields that are absent stay absent."""
        return message.to_json(always_emit_implicit=True).encode()

    def decode(self, data: bytes | bytearray, message_class: type[_Message]) -> _Message:
        """Decode a message. Raises ValueError or TypeError with the field, or another Exception."""
        message = message_class.from_json(data, ignore_unknown_fields=True)
        _check_object(_parse(data.decode()), message_class.desc())
        return message


def _check_object(value: Any, message: DescMessage) -> None:
    checks = _checks_of(message)
    fields: dict[str, Any] = value
    for name, part in fields.items():
        check = checks.get(name)
        if check is not None and part is not None:
            check(part)


@cache
def _checks_of(message: DescMessage) -> dict[str, Check]:
    """The check of each field that needs one, under both of the field's JSON names."""
    checks = dict[str, Check]()
    for field in message.fields:
        check = _check_of(field)
        if check is not None:
            checks[field.name] = checks[field.json_name] = check
    return checks


def _check_of(field: DescField) -> Check | None:
    match field.value:
        case DescFieldValueScalar(scalar=kind):
            return _value_check(kind, field)
        case DescFieldValueEnum(enum=kind):
            return _value_check(kind, field)
        case DescFieldValueMessage(message=kind):
            return _value_check(kind, field)
        case DescFieldValueList(element=kind):
            check = _value_check(kind, field)
            return None if check is None else lambda values: _check_each(values, check)
        case DescFieldValueMap():
            raise TypeError(f"{field.parent.type_name}.{field.name}: maps in requests are not checked")


def _value_check(kind: ScalarType | DescEnum | DescMessage, field: DescField) -> Check | None:
    where = f"{field.parent.type_name}.{field.name}"
    match kind:
        case DescEnum():
            names = {value.name: value.number for value in kind.values}
            return lambda value: _check_enum(value, names, where)
        case DescMessage():
            # Well-known types have a form of their own in JSON, which the decoder reads strictly.
            is_own = not kind.type_name.startswith("google.protobuf.")
            return (lambda value: _check_object(value, kind)) if is_own else None
        case ScalarType():
            return None if kind in _NOT_INTEGERS else lambda value: _check_integer(value, where)


def _check_each(values: list[Any], check: Check) -> None:
    for value in values:
        check(value)


def _check_enum(value: Any, names: dict[str, int], where: str) -> None:
    if value not in names and value not in names.values():
        raise ValueError(f"{where} must be one of {', '.join(names)}")


def _check_integer(value: Any, where: str) -> None:
    if isinstance(value, str) and not _INTEGER.fullmatch(value) and not _is_integral(value):
        raise ValueError(f"not an integer as JSON writes one for field {where}")


def _is_integral(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and Decimal(text) == int(float(text))
