"""Who is let in where there is not room for all."""

import pytest
from connectrpc.code import Code

from gavel.runtime.http.connect import RetryLater
from gavel.runtime.http.load_shedding import (
    READS_MAX,
    REFUSALS_AT_ONCE_MAX,
    REFUSALS_PER_SECOND_MAX,
    URGENT_CALLS_MAX,
    URGENT_CALLS_MIN,
    Room,
    Urgency,
)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _fill(room: Room, urgency: Urgency, calls: int) -> None:
    for _ in range(calls):
        room.enter(urgency)


def _refused(room: Room, urgency: Urgency) -> Code | None:
    try:
        room.enter(urgency)
    except RetryLater as error:
        return error.code
    return None


def test_bids_come_before_reads_and_reads_before_watches() -> None:
    room = Room(Clock())
    _fill(room, Urgency.URGENT, URGENT_CALLS_MIN // 4)
    assert (_refused(room, Urgency.WATCH), _refused(room, Urgency.READ)) == (Code.UNAVAILABLE, None)
    _fill(room, Urgency.URGENT, URGENT_CALLS_MIN // 4)
    assert (_refused(room, Urgency.READ), _refused(room, Urgency.URGENT)) == (Code.UNAVAILABLE, None)
    _fill(room, Urgency.URGENT, URGENT_CALLS_MIN // 2 - 1)
    assert _refused(room, Urgency.URGENT) is Code.RESOURCE_EXHAUSTED
    room.leave(Urgency.URGENT)
    assert _refused(room, Urgency.URGENT) is None


def test_reads_are_bounded_by_themselves_and_keep_no_bid_out() -> None:
    room = Room(Clock())
    _fill(room, Urgency.READ, READS_MAX)
    assert _refused(room, Urgency.READ) is Code.UNAVAILABLE
    assert _refused(room, Urgency.WATCH) is Code.UNAVAILABLE
    assert _refused(room, Urgency.URGENT) is None
    room.leave(Urgency.READ)
    assert _refused(room, Urgency.READ) is None


@pytest.mark.parametrize(
    ("per_second", "expected"), [(100, URGENT_CALLS_MIN), (4_000, 4_000), (50_000, URGENT_CALLS_MAX)]
)
def test_there_is_room_for_what_is_done_in_a_second(per_second: int, expected: int) -> None:
    clock = Clock()
    room = Room(clock)
    for number in range(per_second):
        clock.now = (number + 1) / per_second
        room.enter(Urgency.URGENT)
        room.leave(Urgency.URGENT)
    assert room.urgent_max == pytest.approx(expected, rel=0.02)


def test_a_few_who_are_refused_are_listened_to_at_once_and_a_flood_of_them_in_turn() -> None:
    clock = Clock()
    room = Room(clock)
    assert [room.rest_seconds() for _ in range(REFUSALS_AT_ONCE_MAX)] == [0.0] * REFUSALS_AT_ONCE_MAX
    in_turn = [room.rest_seconds() for _ in range(REFUSALS_PER_SECOND_MAX)]
    assert in_turn == sorted(in_turn)
    assert in_turn[0] == pytest.approx(1 / REFUSALS_PER_SECOND_MAX)
    assert in_turn[-1] == pytest.approx(1)
    clock.now = 1 + REFUSALS_AT_ONCE_MAX / REFUSALS_PER_SECOND_MAX
    assert room.rest_seconds() == 0
