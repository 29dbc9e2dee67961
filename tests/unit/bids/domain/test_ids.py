"""Ids: one spelling for each, and event ids that anyone can derive again."""

from datetime import UTC, datetime
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.auction import ItemId, canonical_uuid, event_id
from tests.unit.bids.auctions import MICROSECOND, seconds

ITEM = ItemId("6f1c2a52-9d3e-4a51-8a0b-1f2e3d4c5b6a")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

times = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
items = st.uuids().map(lambda uuid: ItemId(str(uuid)))
seqs = st.integers(1, 2**63 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uuid",
        "123",
        "123e4567e89b42d3a456426614174000",
        "{123e4567-e89b-42d3-a456-426614174000}",
        "urn:uuid:123e4567-e89b-42d3-a456-426614174000",
        "123e4567-e89b-42d3-a456-42661417400",
        "123e4567-e89b-42d3-a456-4266141740000",
        "123e4567-e89b-42d3-a456-42661417400g",
        "123e4567-e89b-42d3-a456-42661417400\x00",
        "123e4567-e89b-42d3-a456-426614174000\n",
        " 123e4567-e89b-42d3-a456-426614174000",
        "123e4567_e89b_42d3_a456_426614174000",
        "12345678-e89b-42d3-a456-42661417400\u0663",
        "-" * 36,
    ],
)
def test_what_is_not_a_uuid_of_36_characters_is_none(text: str) -> None:
    assert canonical_uuid(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "123e4567-e89b-42d3-a456-426614174000",
        "123E4567-E89B-42D3-A456-426614174000",
        "123e4567-E89B-42d3-a456-426614174000",
    ],
)
def test_an_id_in_upper_case_is_the_same_id(text: str) -> None:
    assert canonical_uuid(text) == "123e4567-e89b-42d3-a456-426614174000"


@given(st.uuids())
def test_every_uuid_has_its_canonical_text(uuid: UUID) -> None:
    assert canonical_uuid(str(uuid).upper()) == str(uuid)


@given(
    st.uuids(), st.integers(0, 36), st.integers(0, 2), st.sampled_from(["", "a", "F", "0", "g", "-", "\n", "\x00", "٣"])
)
def test_a_uuid_that_was_tampered_with_is_an_id_only_if_it_is_one_still(
    uuid: UUID, position: int, removed: int, inserted: str
) -> None:
    text = str(uuid)[:position] + inserted + str(uuid)[position + removed :]
    hyphens = [place for place, character in enumerate(text) if character == "-"]
    is_one = len(text) == 36 and hyphens == [8, 13, 18, 23] and set(text) <= set("0123456789abcdefABCDEF-")
    assert canonical_uuid(text) == (text.lower() if is_one else None)


@pytest.mark.parametrize(
    ("seq", "at", "expected"),
    [
        (1, NOON, "019ca945-0a00-7697-9f97-32b500a825f3"),
        (2, NOON, "019ca945-0a00-799e-85b8-e63c877b4ed3"),
        (1, NOON + seconds(0.001), "019ca945-0a01-7697-9f97-32b500a825f3"),
        (2**63 - 1, datetime(9999, 12, 31, tzinfo=UTC), "e677ccf9-8000-7675-afc4-0b64e7d3afa7"),
    ],
)
def test_an_events_id_is_the_same_for_ever(seq: int, at: datetime, expected: str) -> None:
    assert event_id(ITEM, seq, at) == expected


@given(items, seqs, times)
def test_an_events_id_has_the_shape_of_a_uuid_version_7(item_id: ItemId, seq: int, at: datetime) -> None:
    text = event_id(item_id, seq, at)
    uuid = UUID(text)
    assert (uuid.version, uuid.variant, str(uuid)) == (7, RFC_4122, text)
    milliseconds = uuid.int >> 80
    assert milliseconds == (at - datetime(1970, 1, 1, tzinfo=UTC)) // (1000 * MICROSECOND)


@given(items, seqs, seqs, times, times)
def test_event_ids_are_in_order_of_their_milliseconds(
    item_id: ItemId, seq: int, other: int, at: datetime, later: datetime
) -> None:
    at, later = sorted((at, later))
    if later - at >= seconds(0.001):
        assert event_id(item_id, seq, at) < event_id(item_id, other, later)


@given(items, items, seqs, seqs, times)
def test_two_events_have_two_ids(item_id: ItemId, other_id: ItemId, seq: int, other: int, at: datetime) -> None:
    same = (item_id, seq) == (other_id, other)
    assert (event_id(item_id, seq, at) == event_id(other_id, other, at)) is same


def test_the_events_of_many_items_at_one_moment_do_not_collide() -> None:
    item_ids = [ItemId(f"00000000-0000-4000-8000-{n:012x}") for n in range(100)]
    assert len({event_id(item_id, seq, NOON) for item_id in item_ids for seq in range(1, 101)}) == 10_000
