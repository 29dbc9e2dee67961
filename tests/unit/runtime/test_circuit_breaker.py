"""The circuit breaker: who is let in, and when."""

import pytest

from gavel.runtime.redis.circuit_breaker import CircuitBreaker


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The breaker's clock."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """A breaker that opens after three failures, for about ten seconds."""
    return CircuitBreaker(failures_max=3, open_seconds=10, clock=clock)


def _fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        assert breaker.lets_in()
        breaker.failed()


def test_closed_it_lets_everybody_in(breaker: CircuitBreaker) -> None:
    assert all(breaker.lets_in() for _ in range(100))


def test_failures_in_a_row_open_it_and_one_success_between_them_does_not(breaker: CircuitBreaker) -> None:
    _fail(breaker, 2)
    breaker.succeeded()
    _fail(breaker, 2)
    assert breaker.is_closed
    _fail(breaker)
    assert not breaker.is_closed
    assert not breaker.lets_in()


def test_open_it_allows_no_call_for_its_time_give_or_take_a_quarter(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.seconds += 7.4
    assert not breaker.lets_in()
    clock.seconds += 5.2
    assert breaker.lets_in()


def test_half_open_it_lets_one_in_whose_success_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.seconds += 20
    assert breaker.lets_in()
    assert not breaker.lets_in()
    breaker.succeeded()
    assert breaker.is_closed
    _fail(breaker, 2)
    assert breaker.is_closed


def test_half_open_the_failure_of_the_one_opens_it_again(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.seconds += 20
    _fail(breaker)
    assert not breaker.lets_in()
    clock.seconds += 20
    assert breaker.lets_in()


def test_half_open_a_probe_whose_caller_went_away_makes_room_for_another(breaker: CircuitBreaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.seconds += 20
    assert breaker.lets_in()
    breaker.left()
    assert not breaker.is_closed
    assert breaker.lets_in()
    assert not breaker.lets_in()
