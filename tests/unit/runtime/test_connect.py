"""What is said of a body that can't be parsed: the field or the place, and nothing of what stands there."""

import json

import pytest
from connectrpc.errors import ConnectError

from gavel.contracts.bids.v1.bid_service_pb import CreateItemRequest, PlaceBidRequest
from gavel.runtime.http.connect.protocol import JSON_CODEC, PROTO_CODEC, REQUEST_BYTES_MAX

SECRET = 744_596_877_869_511


@pytest.mark.parametrize(
    "value", [f"{SECRET}.5", f'"{SECRET}x"', f'"x{SECRET}"', f"{SECRET}{SECRET}", f"{SECRET}e30", f"[{SECRET}]", "true"]
)
def test_an_invalid_number_is_reported_by_its_field_and_not_quoted(value: str) -> None:
    for message, field in ((PlaceBidRequest, "max_amount"), (CreateItemRequest, "reserve_price")):
        with pytest.raises(ConnectError) as told:
            JSON_CODEC.decode(f'{{"{field}": {value}}}'.encode(), message)
        assert told.value.message.endswith(f".{field}")
        assert str(SECRET)[:6] not in told.value.message


@pytest.mark.parametrize(
    "body", [[{"max_amount": SECRET}], f"max {SECRET}", SECRET, [SECRET] * (REQUEST_BYTES_MAX // 20)]
)
def test_a_body_of_another_kind_is_not_quoted(body: object) -> None:
    with pytest.raises(ConnectError) as told:
        JSON_CODEC.decode(json.dumps(body).encode(), PlaceBidRequest)
    assert told.value.message == "the body is not what it should be: cannot decode PlaceBidRequest from JSON..."


def test_broken_json_is_reported_by_its_place() -> None:
    with pytest.raises(ConnectError) as told:
        JSON_CODEC.decode(f'{{"max_amount": {SECRET}, "amount"'.encode(), PlaceBidRequest)
    assert told.value.message.endswith(": line 1 column 41 (char 40)")
    assert str(SECRET) not in told.value.message


def test_a_field_of_a_wrong_type_is_reported_in_the_terms_of_the_contract() -> None:
    with pytest.raises(ConnectError) as told:
        JSON_CODEC.decode(b'{"user_id": 42}', PlaceBidRequest)
    assert told.value.message == (
        "the body is not what it should be: expected string got: int for field bids.v1.PlaceBidRequest.user_id"
    )


def test_garbage_in_binary_is_reported_briefly() -> None:
    with pytest.raises(ConnectError) as told:
        PROTO_CODEC.decode(b"\xff" * 1_000, PlaceBidRequest)
    assert len(told.value.message) < 200
