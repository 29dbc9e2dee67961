"""A database's clock is not acted on after a jump, until it agrees with the machine's."""

from datetime import UTC, datetime, timedelta

import pytest

from gavel.runtime.postgres.clock import CLOCK_JUMP_SECONDS_MAX, DatabaseClock

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Clocks:
    """A database's clock, and the two of the process, which this test moves."""

    def __init__(self, database_is_ahead: timedelta = timedelta()) -> None:
        self.ahead = database_is_ahead
        self.seconds = 0.0
        self.clock = DatabaseClock("a_db", lambda: self.seconds, self._wall)

    def _wall(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def trusted_after(self, passes: timedelta) -> bool:
        """Let time pass, and read the clock."""
        self.seconds += passes.total_seconds()
        return self.clock.trusts(self._wall() + self.ahead)


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_goes_on_is_trusted_whatever_the_machine_says(ahead: timedelta) -> None:
    clocks = Clocks(ahead)
    assert all(clocks.trusted_after(timedelta(seconds=seconds)) for seconds in (0, 1, 60, 86_400))


@pytest.mark.parametrize("jump", [MINUTE, -MINUTE])
def test_a_jump_is_not_trusted_until_the_clock_is_right_again(jump: timedelta) -> None:
    clocks = Clocks()
    assert clocks.trusted_after(MINUTE)
    clocks.ahead = jump
    assert not clocks.trusted_after(MINUTE)
    assert not clocks.trusted_after(MINUTE), "it stays wrong without another jump"
    clocks.ahead = timedelta()
    assert clocks.trusted_after(MINUTE)


def test_a_wrong_clock_that_is_set_right_is_trusted_at_once() -> None:
    clocks = Clocks(timedelta(hours=1))
    assert clocks.trusted_after(MINUTE)
    clocks.ahead = timedelta()
    assert clocks.trusted_after(MINUTE)


def test_a_late_answer_is_no_jump() -> None:
    clocks = Clocks(timedelta(hours=1))
    assert clocks.trusted_after(MINUTE)
    clocks.ahead -= timedelta(seconds=CLOCK_JUMP_SECONDS_MAX - 1)
    assert clocks.trusted_after(timedelta(seconds=1))


async def test_its_metric_says_whether_it_is_trusted() -> None:
    clocks = Clocks()
    for ahead, value in ((timedelta(), 1.0), (MINUTE, 0.0)):
        clocks.ahead = ahead
        clocks.trusted_after(MINUTE)
        [metric] = await clocks.clock.read()
        assert [(sample.labels, sample.value) for sample in metric.samples] == [({"database": "a_db"}, value)]
