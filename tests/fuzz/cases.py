"""Fuzz cases: requests to every method of the contract, from nearly right to plain noise, the same for a seed."""

import gzip
import json
import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from protobuf import DescField, DescFieldValueEnum, DescFieldValueList, DescFieldValueMessage, DescMessage, ScalarType

from gavel.contracts.bids.v1 import bid_service_pb
from gavel.contracts.userstats.v1 import user_stats_service_pb
from tests.fuzz.wire import bytes_field, number_field

WATCH_ITEMS = "WatchItems"
# A longer deadline would stream for ever.
WATCH_MS = "40"

_METHODS = [
    (f"/{service.type_name}/{method.name}", method.input, method.name)
    for file in (bid_service_pb.desc(), user_stats_service_pb.desc())
    for service in file.services
    for method in service.methods
]
_NUMBERS = (0, 1, -1, 100, 101, 15_000, 2**31 - 1, 2**31, -(2**31), 10**15, 10**15 + 1, 2**63 - 1, 2**63, -(2**63))
_TEXTS = ("", "a", "Ünïcödé \U0001f600", "\x00", "a\nb", "'; DROP TABLE bids; --", "<script>", "x" * 201, "x" * 10_001)
_NO_IDS = ("", "x", "{00000000-0000-4000-8000-000000000000}", "urn:uuid:00000000-0000-4000-8000-000000000000", "\x00")
_TIMES = ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2026-02-30T00:00:00Z", "x")
_SECONDS = (0, 1, -1, -62_135_596_800, 253_402_300_799, 253_402_300_800, 2**63 - 1)
# An end that most listings can have.
_LATER, _LATER_SECONDS = "2035-01-01T00:00:00Z", 2_051_222_400
_MASKS = ("title", "title,description", "images", "", "seller_id", "title..x", "\x00")
_WRONG: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [[]],
    "abc",
    "1e3",
    1e30,
    100.5,
    "NaN",
    "1_000",
    "+15000",
    "020000",
    "\u0661\u0662",
    {"seconds": "x"},
    [None],
    "\ud800",
)
_HEADERS: tuple[Mapping[str, str], ...] = (
    {"Idempotency-Key": "k" * 129},
    {"Idempotency-Key": "same"},
    {"Connect-Timeout-Ms": "9000"},
    {"Connect-Timeout-Ms": "abc"},
    {"Connect-Timeout-Ms": "99999999999999999999"},
    {"Connect-Protocol-Version": "2"},
    {"traceparent": "00-zz-zz-zz"},
    {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
)


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Cases:
    """Cases without end, the same for the same seed and ids.

    `item_ids` and `user_ids` are known to the server, so that requests get past the first check.
    """

    def __init__(self, seed: int, item_ids: list[str], user_ids: list[str]) -> None:
        self._chance = random.Random(seed)
        self._item_ids = item_ids
        self._user_ids = user_ids

    def __iter__(self) -> Iterator[Case]:
        """Go on for ever."""
        while True:
            yield self._case()

    def _case(self) -> Case:
        path, message, method = self._chance.choice(_METHODS)
        kind = self._chance.choice(("json", "json", "proto"))
        body = self._json(message) if kind == "json" else self._binary(message)
        if self._now_and_then(0.15):
            body = self._damaged(body)
        headers = dict(self._chance.choice(_HEADERS)) if self._now_and_then(0.2) else {}
        content_type = f"application/{kind}"
        if method == WATCH_ITEMS:
            content_type, headers["Connect-Timeout-Ms"] = f"application/connect+{kind}", WATCH_MS
            body = self._enveloped(body)
        elif self._now_and_then(0.05):
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body) if self._now_and_then(0.5) else body
        if self._now_and_then(0.02):
            content_type = self._chance.choice(
                ("", "text/plain", "application/json; charset=utf-16", "application/grpc")
            )
        return Case(path, headers | {"Content-Type": content_type}, body)

    def _now_and_then(self, share: float) -> bool:
        return self._chance.random() < share

    def _damaged(self, body: bytes) -> bytes:
        """A few bytes lost, doubled or replaced, or the end missing."""
        damaged = bytearray(body)
        for _ in range(self._chance.randint(1, 4)):
            place = self._chance.randint(0, len(damaged))
            match self._chance.randrange(4):
                case 0:
                    del damaged[place : place + self._chance.randint(1, 8)]
                case 1:
                    damaged[place:place] = self._chance.randbytes(self._chance.randint(1, 8))
                case 2:
                    damaged[place:place] = damaged[place : place + 16]
                case _:
                    del damaged[place:]
        return bytes(damaged)

    def _enveloped(self, body: bytes) -> bytes:
        flags = 0 if self._now_and_then(0.9) else self._chance.randrange(256)
        length = len(body) if self._now_and_then(0.9) else self._chance.choice((0, 1, 2**31, 2**32 - 1))
        return struct.pack(">BI", flags, length) + body

    def _json(self, message: DescMessage) -> bytes:
        body: Any = self._chance.choice(_WRONG) if self._now_and_then(0.03) else self._object(message)
        return json.dumps(body, ensure_ascii=self._now_and_then(0.5)).encode("utf-8", "surrogatepass")

    def _object(self, message: DescMessage) -> dict[str, Any]:
        fields: dict[str, Any] = {"unknown": "CLOSED"} if self._now_and_then(0.05) else {}
        for field in message.fields:
            if self._now_and_then(0.85):
                name = field.json_name if self._now_and_then(0.5) else field.name
                fields[name] = self._chance.choice(_WRONG) if self._now_and_then(0.04) else self._value(field)
        return fields

    def _value(self, field: DescField) -> Any:
        kind = field.value
        match kind:
            case DescFieldValueList():
                texts = kind.element is ScalarType.STRING
                return [self._text(field.name) if texts else self._part(kind.element) for _ in range(self._length())]
            case DescFieldValueMessage():
                return self._part(kind.message)
            case DescFieldValueEnum():
                return self._chance.choice((*(value.name for value in kind.enum.values), 1, 99, "NONE"))
            case _ if getattr(kind, "scalar", None) is ScalarType.STRING:
                return self._text(field.name)
            case _:
                number = self._chance.choice(_NUMBERS)
                return str(number) if self._now_and_then(0.5) else number

    def _part(self, message: Any) -> Any:
        match message.type_name:
            case "google.protobuf.Timestamp":
                return _LATER if self._now_and_then(0.6) else self._chance.choice(_TIMES)
            case "google.protobuf.FieldMask":
                return self._chance.choice(_MASKS)
            case _:
                return self._object(message)

    def _length(self) -> int:
        return self._chance.choice((0, 1, 1, 2, 3, 101))

    def _text(self, name: str) -> str:
        """A text that fits the field's name, mostly."""
        if not name.endswith("id"):
            return self._chance.choice(_TEXTS)
        if self._now_and_then(0.15):
            return self._chance.choice(_NO_IDS)
        if self._now_and_then(0.15):
            return str(UUID(int=self._chance.getrandbits(128)))
        known = self._user_ids if name in ("user_id", "seller_id") else self._item_ids
        chosen = self._chance.choice(known)
        return chosen.upper() if self._now_and_then(0.1) else chosen

    def _binary(self, message: DescMessage) -> bytes:
        if self._now_and_then(0.05):
            return self._chance.randbytes(self._chance.randint(0, 200))
        fields = [field for field in message.fields if self._now_and_then(0.85)]
        if self._now_and_then(0.1):
            self._chance.shuffle(fields)
        return b"".join(self._field(field) for field in fields)

    def _field(self, field: DescField) -> bytes:
        kind, number = field.value, field.number
        if self._now_and_then(0.03):
            return bytes_field(number, self._chance.randbytes(5))
        match kind:
            case DescFieldValueList():
                texts = kind.element is ScalarType.STRING
                each = [
                    self._text(field.name).encode() if texts else self._packed(kind.element)
                    for _ in range(self._length())
                ]
                return b"".join(bytes_field(number, one) for one in each)
            case DescFieldValueMessage():
                return bytes_field(number, self._packed(kind.message))
            case _ if getattr(kind, "scalar", None) is ScalarType.STRING:
                return bytes_field(number, self._text(field.name).encode())
            case _:
                return number_field(number, self._chance.choice(_NUMBERS))

    def _packed(self, message: Any) -> bytes:
        if message.type_name == "google.protobuf.Timestamp":
            seconds = _LATER_SECONDS if self._now_and_then(0.6) else self._chance.choice(_SECONDS)
            return number_field(1, seconds) + number_field(2, self._chance.choice((0, 1, -1, 999_999_999, 2**31 - 1)))
        return self._binary(message)
