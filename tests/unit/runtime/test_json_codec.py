"""JSON requests are read strictly, by the ProtoJSON specification, and replies have every field."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from hypothesis import given
from hypothesis import strategies as st
from protobuf import DescFieldValueEnum, DescFieldValueList, DescFieldValueMap, DescFieldValueMessage, DescMessage

from gavel.contracts.bids.v1 import bid_service_pb as bids
from gavel.contracts.userstats.v1 import user_stats_service_pb as userstats
from gavel.runtime.http.connect.protocol import JSON_CODEC, PROTO_CODEC

REQUESTS = [
    method.input for file in (bids.desc(), userstats.desc()) for service in file.services for method in service.methods
]

# What each of these means as an integer; None where it means none.
SPELLINGS: dict[str, int | None] = {
    "15000": 15_000,
    '"15000"': 15_000,
    "1.5e4": 15_000,
    '"1.5E+4"': 15_000,
    "15000.0": 15_000,
    '"15000.00"': 15_000,
    "0": 0,
    '"-0"': 0,
    "-5": -5,
    r'"\u0031"': 1,
    '"1_000"': None,
    '"+15000"': None,
    '"020000"': None,
    '"-01"': None,
    '"01.0"': None,
    '"+1.0"': None,
    '"1."': None,
    '".5e1"': None,
    '"1.e3"': None,
    '"1e3_0"': None,
    '"\u0661\u0662"': None,
    r'"\u0661\u0662"': None,
    '"\uff11\uff12"': None,
    '"1\u0660"': None,
    '" 5"': None,
    '"5 "': None,
    r'"5\n"': None,
    '"5\u00a0"': None,
    '""': None,
    '"0x10"': None,
    '"1e400"': None,
    '"NaN"': None,
    '"Infinity"': None,
    "100.5": None,
    '"100.5"': None,
    "999999999999999.99999": None,
    '"999999999999999.99999"': None,
    "9007199254740993.0": None,
    "1e-400": None,
    "1e30": None,
    "true": None,
    "[]": None,
    "{}": None,
}


TIME_FORM = "must be a time as RFC 3339 writes one, such as 2030-01-31T12:00:00Z"
MASK_FORM = "must be a text with the names of fields, separated by commas, in camelCase"


def _message(body: str, message: Any) -> Any:
    return JSON_CODEC.decode(body.encode(), message)


@pytest.mark.parametrize(("text", "value"), SPELLINGS.items())
def test_an_integer_is_spelled_as_json_spells_a_number(text: str, value: int | None) -> None:
    for name, attribute, message in (
        ("amount", "amount", bids.PlaceBidRequest),
        ("max_amount", "max_amount", bids.PlaceBidRequest),
        ("maxAmount", "max_amount", bids.PlaceBidRequest),
        ("limit", "limit", bids.GetLeaderboardRequest),
        ("startPrice", "start_price", bids.CreateItemRequest),
        ("pageSize", "page_size", userstats.ListTopBiddersRequest),
    ):
        body = f'{{"{name}": {text}}}'
        if value is None:
            with pytest.raises(ConnectError, match="field "):
                _message(body, message)
        else:
            assert getattr(_message(body, message), attribute) == value


@pytest.mark.parametrize("text", [text for text, value in SPELLINGS.items() if value is None])
def test_an_integer_of_a_message_within_is_spelled_so_too(text: str) -> None:
    for body, message in (
        (f'{{"softClose": {{"windowSeconds": {text}}}}}', bids.CreateItemRequest),
        (f'{{"items": [{{"afterSeq": 1}}, {{"afterSeq": {text}}}]}}', bids.WatchItemsRequest),
    ):
        with pytest.raises(ConnectError):
            _message(body, message)


def test_a_text_may_look_like_any_of_them() -> None:
    for text in SPELLINGS:
        if text.startswith('"'):
            assert _message(f'{{"title": {text}}}', bids.CreateItemRequest).title == json.loads(text)


@given(st.text(alphabet="0123456789+-_.eE \u0661\uff11\u00bd", max_size=8))
def test_whatever_is_taken_for_an_integer_is_the_number_that_json_has_under_that_spelling(text: str) -> None:
    try:
        amount = _message(json.dumps({"amount": text}), bids.PlaceBidRequest).amount
    except ConnectError:
        return
    assert json.loads(text) == amount


@pytest.mark.parametrize(
    "status",
    [
        *('"ENDED"', '"ended"', '"item_status_ended"', '""', '"2"', "99", "-1", "2147483648"),
        *("2.0", '"2.0"', "true", "[]", "{}", '["ITEM_STATUS_ENDED"]', '{"a": []}'),
    ],
)
def test_an_enum_value_that_the_contract_does_not_have_is_refused(status: str) -> None:
    # Replies have enums within messages and lists, which a request may have one day.
    for body, message in (
        (f'{{"status": {status}}}', bids.ListItemsRequest),
        (f'{{"item": {{"status": {status}}}}}', bids.GetItemResponse),
        (f'{{"items": [{{}}, {{"reserveState": {status}}}]}}', bids.ListItemsResponse),
        (f'{{"snapshot": {{"reserve_state": {status}}}}}', bids.WatchItemsResponse),
    ):
        with pytest.raises(ConnectError) as told:
            _message(body, message)
        assert "must be one of " in told.value.message
        assert "_UNSPECIFIED, " in told.value.message


@pytest.mark.parametrize("status", ['"ITEM_STATUS_ENDED"', "2"])
def test_an_enum_value_is_named_or_numbered(status: str) -> None:
    assert _message(f'{{"status": {status}}}', bids.ListItemsRequest).status is bids.ItemStatus.ENDED


@pytest.mark.parametrize(
    ("body", "message", "field"),
    [
        ('{"amount": 1, "amount": 2}', bids.PlaceBidRequest, "bids.v1.PlaceBidRequest.amount"),
        ('{"amount": 1, "amount": 1}', bids.PlaceBidRequest, "bids.v1.PlaceBidRequest.amount"),
        ('{"amount": 1, "amount": null}', bids.PlaceBidRequest, "bids.v1.PlaceBidRequest.amount"),
        (r'{"amount": 1, "\u0061mount": 1}', bids.PlaceBidRequest, "bids.v1.PlaceBidRequest.amount"),
        ('{"maxAmount": 1, "itemId": "", "max_amount": 2}', bids.PlaceBidRequest, "bids.v1.PlaceBidRequest.max_amount"),
        ('{"images": ["/a"], "images": ["/b"]}', bids.CreateItemRequest, "bids.v1.CreateItemRequest.images"),
        ('{"softClose": {}, "softClose": {}}', bids.CreateItemRequest, "bids.v1.CreateItemRequest.soft_close"),
        (
            '{"softClose": {"windowSeconds": 1, "window_seconds": 1}}',
            bids.CreateItemRequest,
            "bids.v1.SoftClose.window_seconds",
        ),
        ('{"items": [{}, {"afterSeq": 1, "afterSeq": 1}]}', bids.WatchItemsRequest, "after_seq"),
    ],
)
def test_a_field_that_is_named_twice_is_refused_by_its_name(body: str, message: Any, field: str) -> None:
    with pytest.raises(ConnectError, match=rf"{re.escape(field)} is given twice$") as refused:
        _message(body, message)
    assert refused.value.code is Code.INVALID_ARGUMENT


def test_objects_beside_each_other_have_the_same_fields() -> None:
    body = '{"items": [{"itemId": "a", "afterSeq": 1}, {"itemId": "b", "afterSeq": 1}]}'
    assert [item.item_id for item in _message(body, bids.WatchItemsRequest).items] == ["a", "b"]


def test_unknown_fields_are_ignored_whatever_they_hold() -> None:
    body = (
        '{"nothing": {"status": "NONE", "amount": "1_0"}, "nothing": {"a": 1, "a": 2}, "seq": "+1",'
        ' "also": [1e-99999, 5e5], "amount": "7"}'
    )
    assert _message(body, bids.PlaceBidRequest) == bids.PlaceBidRequest(amount=7)


def test_null_is_a_field_that_is_not_set() -> None:
    assert _message('{"status": null}', bids.ListItemsRequest) == bids.ListItemsRequest()
    assert _message('{"amount": null, "itemId": null}', bids.PlaceBidRequest) == bids.PlaceBidRequest()
    assert _message('{"softClose": null, "images": null}', bids.CreateItemRequest) == bids.CreateItemRequest()


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01 00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+0500",
        "2026-01-01T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00.1234567891Z",
        "2026-01-01T00:00:00,5Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
        "20260101T000000Z",
        " 2026-01-01T00:00:00Z",
    ],
)
def test_a_time_is_one_of_rfc_3339(text: str) -> None:
    for name in ("endAt", "end_at"):
        with pytest.raises(ConnectError) as refused:
            _message(json.dumps({name: text}), bids.CreateItemRequest)
        assert refused.value.message.endswith(f"bids.v1.CreateItemRequest.end_at {TIME_FORM}")


@pytest.mark.parametrize("value", ["1735689600", "1.5", "true", "{}", '{"seconds": 1, "nanos": 0}', "[]", '""'])
def test_a_time_that_is_no_text_is_refused_with_the_field_and_the_form(value: str) -> None:
    with pytest.raises(ConnectError) as refused:
        _message(f'{{"startAt": {value}}}', bids.CreateItemRequest)
    assert refused.value.message.endswith(f"bids.v1.CreateItemRequest.start_at {TIME_FORM}")


@pytest.mark.parametrize("value", ["5", '"soft_close"', '["title"]', '{"paths": ["title"]}', "true"])
def test_a_mask_that_is_none_is_refused_with_the_field_and_the_form(value: str) -> None:
    with pytest.raises(ConnectError) as refused:
        _message(f'{{"updateMask": {value}}}', bids.UpdateItemRequest)
    assert refused.value.message.endswith(f"bids.v1.UpdateItemRequest.update_mask {MASK_FORM}")


@pytest.mark.parametrize("value", ["5", '"x"', "[]", "true", '[["windowSeconds", 1]]'])
def test_a_message_that_is_no_object_is_refused_with_its_field(value: str) -> None:
    with pytest.raises(ConnectError) as refused:
        _message(f'{{"softClose": {value}}}', bids.CreateItemRequest)
    assert refused.value.message.endswith("bids.v1.CreateItemRequest.soft_close must be an object")


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', '[["amount", 5]]', "", "{", "{'amount': 1}", '{"x": NaN}'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    with pytest.raises(ConnectError) as refused:
        _message(body, bids.PlaceBidRequest)
    assert refused.value.code is Code.INVALID_ARGUMENT


def test_a_reply_has_its_zero_values() -> None:
    assert json.loads(JSON_CODEC.encode(bids.PlaceBidResponse(bid=bids.Bid(seq=2)))) == {
        "bid": {"id": "", "itemId": "", "userId": "", "amount": "0", "seq": "2", "automatic": False},
        "currentHighestBid": "0",
        "minimumNextBid": "0",
        "leading": False,
    }
    assert json.loads(JSON_CODEC.encode(bids.ListItemsResponse())) == {"items": [], "nextPageToken": ""}


def _fields_within(message: DescMessage, seen: set[str]) -> Iterator[tuple[str, str, Any]]:
    """(message, field, kind) of every field that a request may bring, with those of the messages within it."""
    if message.type_name in seen:
        return
    seen.add(message.type_name)
    for field in message.fields:
        yield message.type_name, field.name, field.value
        match field.value:
            case DescFieldValueMessage(message=within) | DescFieldValueList(element=DescMessage() as within):
                yield from _fields_within(within, seen)
            case _:
                pass


def test_every_enum_of_a_request_is_known_to_a_test_of_its_binary_form() -> None:
    """Binary Protobuf keeps unknown numbers: the handler must refuse them. A new enum field needs such a test first."""
    seen = set[str]()
    fields = [found for request in REQUESTS for found in _fields_within(request, seen)]
    assert len(fields) > 30
    assert not [kind for *_, kind in fields if isinstance(kind, DescFieldValueMap)]
    enums = {
        (message, name)
        for message, name, kind in fields
        if isinstance(kind, DescFieldValueEnum) or "enum" in type(getattr(kind, "element", None)).__name__.lower()
    }
    assert enums == {("bids.v1.ListItemsRequest", "status")}
    # tests/e2e/test_input.py::test_a_status_that_no_item_has
    unknown = PROTO_CODEC.decode(b"\x20\x63", bids.ListItemsRequest)
    assert unknown.status == 99
