"""Who is let in where there is not room for all."""

import pytest
from connectrpc.code import Code

from gavel.runtime.http.connect.protocol import RetryLater
from gavel.runtime.http.load_shedding import (
    PAUSE_SECONDS_MAX,
    READS_MAX,
    REFUSALS_AT_ONCE_MAX,
    REFUSALS_PER_SECOND_MAX,
    URGENT_CALLS_MAX,
    URGENT_CALLS_MIN,
    LoadShedder,
    Priority,
)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _fill(load_shedder: LoadShedder, priority: Priority, calls: int) -> None:
    for _ in range(calls):
        load_shedder.enter(priority)


def _refused(load_shedder: LoadShedder, priority: Priority) -> Code | None:
    try:
        load_shedder.enter(priority)
    except RetryLater as error:
        return error.code
    return None


def test_bids_come_before_reads_and_reads_before_watches() -> None:
    load_shedder = LoadShedder(Clock())
    _fill(load_shedder, Priority.URGENT, URGENT_CALLS_MIN // 4)
    assert (_refused(load_shedder, Priority.WATCH), _refused(load_shedder, Priority.READ)) == (Code.UNAVAILABLE, None)
    _fill(load_shedder, Priority.URGENT, URGENT_CALLS_MIN // 4)
    assert (_refused(load_shedder, Priority.READ), _refused(load_shedder, Priority.URGENT)) == (Code.UNAVAILABLE, None)
    _fill(load_shedder, Priority.URGENT, URGENT_CALLS_MIN // 2 - 1)
    assert _refused(load_shedder, Priority.URGENT) is Code.RESOURCE_EXHAUSTED
    load_shedder.leave(Priority.URGENT)
    assert _refused(load_shedder, Priority.URGENT) is None


def test_reads_are_bounded_by_themselves_and_keep_no_bid_out() -> None:
    load_shedder = LoadShedder(Clock())
    _fill(load_shedder, Priority.READ, READS_MAX)
    assert _refused(load_shedder, Priority.READ) is Code.UNAVAILABLE
    assert _refused(load_shedder, Priority.WATCH) is Code.UNAVAILABLE
    assert _refused(load_shedder, Priority.URGENT) is None
    load_shedder.leave(Priority.READ)
    assert _refused(load_shedder, Priority.READ) is None


@pytest.mark.parametrize(
    ("per_second", "expected"), [(100, URGENT_CALLS_MIN), (4_000, 4_000), (50_000, URGENT_CALLS_MAX)]
)
def test_there_is_room_for_what_is_done_in_a_second(per_second: int, expected: int) -> None:
    clock = Clock()
    load_shedder = LoadShedder(clock)
    for number in range(per_second):
        clock.now = (number + 1) / per_second
        load_shedder.enter(Priority.URGENT)
        load_shedder.leave(Priority.URGENT)
    assert load_shedder.urgent_max == pytest.approx(expected, rel=0.02)


def test_a_few_who_are_refused_are_listened_to_at_once_and_a_flood_of_them_in_turn() -> None:
    clock = Clock()
    load_shedder = LoadShedder(clock)
    assert [load_shedder.pause_seconds() for _ in range(REFUSALS_AT_ONCE_MAX)] == [0.0] * REFUSALS_AT_ONCE_MAX
    in_turn = [load_shedder.pause_seconds() for _ in range(int(REFUSALS_PER_SECOND_MAX * PAUSE_SECONDS_MAX) - 1)]
    assert in_turn == sorted(in_turn)
    assert in_turn[0] == pytest.approx(1 / REFUSALS_PER_SECOND_MAX)
    assert pytest.approx(in_turn[-1]) == PAUSE_SECONDS_MAX - 1 / REFUSALS_PER_SECOND_MAX


def test_no_connection_is_paused_for_longer_than_the_bound_however_many_are_refused() -> None:
    clock = Clock()
    load_shedder = LoadShedder(clock)
    refused = REFUSALS_AT_ONCE_MAX + 3 * int(REFUSALS_PER_SECOND_MAX * PAUSE_SECONDS_MAX)
    pauses = [load_shedder.pause_seconds() for _ in range(refused)]
    assert max(pauses) == pytest.approx(PAUSE_SECONDS_MAX)
    # What is owed is bounded, too: after that time, refusals are paused no more.
    clock.now = PAUSE_SECONDS_MAX + REFUSALS_AT_ONCE_MAX / REFUSALS_PER_SECOND_MAX
    assert load_shedder.pause_seconds() == 0
