"""Ids of the read side: one spelling, and the time in an event's id."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.auction import event_id as bids_event_id
from gavel.userstats.domain.ids import EventId, canonical_uuid, first_event_id, is_before
from tests.unit.userstats.messages import ANNA, NOON, VASE

TIMES = st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds of times in UTC


def test_upper_case_is_the_same_id() -> None:
    assert canonical_uuid(ANNA.upper()) == ANNA == canonical_uuid(ANNA)


@pytest.mark.parametrize(
    "text", ["", "42", f"{{{ANNA}}}", f"urn:uuid:{ANNA}", ANNA.replace("-", ""), f"{ANNA}\n", "İ" * 36]
)
def test_any_other_spelling_is_none(text: str) -> None:
    assert canonical_uuid(text) is None


@given(TIMES, TIMES, st.integers(1, 10**6))
def test_an_event_is_before_a_time_when_the_write_side_recorded_it_in_an_earlier_millisecond(
    recorded_at: datetime, horizon: datetime, seq: int
) -> None:
    identity = EventId(bids_event_id(ItemId(VASE), seq, recorded_at))
    millisecond = timedelta(milliseconds=1)
    earlier = (recorded_at - NOON) // millisecond < (horizon - NOON) // millisecond
    assert is_before(identity, first_event_id(horizon)) is earlier


def test_an_id_without_a_time_is_before_nothing() -> None:
    random_id = EventId("00000000-0000-4000-8000-000000000000")
    assert not is_before(random_id, first_event_id(NOON))


def test_a_horizon_before_all_time_holds_no_event_back() -> None:
    identity = EventId(bids_event_id(ItemId(VASE), 1, datetime(1970, 1, 1, tzinfo=UTC)))
    assert not is_before(identity, first_event_id(datetime(1, 1, 1, tzinfo=UTC)))
