"""Connect's JSON codec: strict in the requests that it reads, complete in the replies that it writes.

protobuf-py reads an integer in a string as Python does ("1_000", "+5", "007", digits of any script) and rounds a long
fraction to an integer; of a field that is given twice it takes the last; where it ignores unknown fields, it drops
unknown enum values too. These are refused here, and so is what it refuses without the field's name. Unknown fields stay
ignored.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

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

# Checks the value of a field. Raises FieldInvalid.
Check = Callable[[Any], None]

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
