"""Who is let in where there is not room for all."""

import pytest
from connectrpc.code import Code

from gavel.runtime.http.connect.protocol import RetryLater
from gavel.runtime.http.load_shedding import (
    ADDRESS_READS_MAX,
    ADDRESS_REFUSALS_PER_SECOND_MAX,
    PAUSE_SECONDS_MAX,
    READS_MAX,
    REFUSALS_AT_ONCE_MAX,
    REFUSALS_PER_SECOND_MAX,
    URGENT_CALLS_MAX,
    URGENT_CALLS_MIN,
    LoadShedder,
    Priority,
    RefusalPauses,
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


def test_the_reads_of_one_address_are_bounded_and_those_of_others_are_not() -> None:
    load_shedder = LoadShedder(Clock())
    for _ in range(ADDRESS_READS_MAX):
        load_shedder.enter(Priority.READ, "192.0.2.7")
    with pytest.raises(RetryLater, match="one address"):
        load_shedder.enter(Priority.READ, "192.0.2.7")
    # Its bids are none, and neither are the reads of another, or of an exempt one.
    load_shedder.enter(Priority.URGENT, "192.0.2.7")
    for key in ("192.0.2.8", None):
        for _ in range(ADDRESS_READS_MAX):
            load_shedder.enter(Priority.READ, key)
    load_shedder.leave(Priority.READ, "192.0.2.7")
    load_shedder.enter(Priority.READ, "192.0.2.7")


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


def test_what_was_refused_before_it_was_worked_on_is_no_capacity() -> None:
    clock = Clock()
    load_shedder = LoadShedder(clock)
    for number in range(4_000):
        clock.now = (number + 1) / 4_000
        load_shedder.enter(Priority.URGENT)
        load_shedder.leave(Priority.URGENT, is_work=False)
    assert (load_shedder.urgent, load_shedder.urgent_max) == (0, URGENT_CALLS_MIN)


@pytest.mark.parametrize(
    ("key", "per_second"), [(None, REFUSALS_PER_SECOND_MAX), ("192.0.2.7", ADDRESS_REFUSALS_PER_SECOND_MAX)]
)
def test_a_few_that_are_refused_are_read_again_at_once_and_a_flood_of_them_in_turn(
    key: str | None, per_second: int
) -> None:
    pauses = RefusalPauses(Clock())
    assert [pauses.seconds(key) for _ in range(REFUSALS_AT_ONCE_MAX)] == [0.0] * REFUSALS_AT_ONCE_MAX
    in_turn = [pauses.seconds(key) or 0.0 for _ in range(int(per_second * PAUSE_SECONDS_MAX))]
    assert in_turn == sorted(in_turn)
    assert in_turn[0] == pytest.approx(1 / per_second)
    assert in_turn[-1] == pytest.approx(PAUSE_SECONDS_MAX)


def test_an_address_that_owes_a_whole_pause_is_closed_and_the_others_owe_nothing_for_it() -> None:
    clock = Clock()
    pauses = RefusalPauses(clock)
    for _ in range(REFUSALS_AT_ONCE_MAX + int(ADDRESS_REFUSALS_PER_SECOND_MAX * PAUSE_SECONDS_MAX)):
        assert pauses.seconds("192.0.2.7") is not None
    assert [pauses.seconds("192.0.2.7") for _ in range(1_000)] == [None] * 1_000
    assert (pauses.seconds("192.0.2.8"), pauses.seconds(None)) == (0.0, 0.0)
    # What is owed is bounded: a flood of a minute is forgotten as soon as one of a second.
    clock.now = PAUSE_SECONDS_MAX + REFUSALS_AT_ONCE_MAX / ADDRESS_REFUSALS_PER_SECOND_MAX
    assert pauses.seconds("192.0.2.7") == 0


def test_an_exempt_address_is_paused_for_the_bound_and_never_closed() -> None:
    pauses = RefusalPauses(Clock())
    refused = REFUSALS_AT_ONCE_MAX + 3 * int(REFUSALS_PER_SECOND_MAX * PAUSE_SECONDS_MAX)
    assert max(pauses.seconds(None) or 0.0 for _ in range(refused)) == pytest.approx(PAUSE_SECONDS_MAX)
    assert pauses.seconds(None) == PAUSE_SECONDS_MAX
