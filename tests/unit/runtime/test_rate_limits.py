"""A bucket a key: what is let in at once, what a second brings, and how much is remembered."""

import pytest

from gavel.runtime.http import rate_limits
from gavel.runtime.http.rate_limits import RateLimit


class Clock:
    """A clock that is set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_in_and_then_one_call_at_a_time_comes_back() -> None:
    clock = Clock()
    limit = RateLimit("user", 10, 20, clock)
    assert [limit.take("anna") for _ in range(20)] == [0.0] * 20
    assert limit.take("anna") == pytest.approx(0.1)
    assert limit.refused == 1
    clock.now += 0.1
    assert limit.take("anna") == 0.0
    assert limit.take("anna") > 0
    clock.now += 60
    assert [limit.take("anna") for _ in range(20)] == [0.0] * 20
    assert limit.take("anna") > 0


def test_a_refused_call_costs_nothing_and_others_are_unaffected() -> None:
    clock = Clock()
    limit = RateLimit("user", 10, 20, clock)
    for _ in range(1_000):
        limit.take("anna")
    assert limit.take("bela") == 0.0
    clock.now += 0.1
    assert limit.take("anna") == 0.0


def test_only_so_many_keys_are_remembered_and_the_busy_ones_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "KEYS_MAX", 3)
    clock = Clock()
    limit = RateLimit("user", 1, 1, clock)
    limit.take("early")
    clock.now += 5
    for key in ("a", "b", "c"):
        assert limit.take(key) == 0.0
    assert limit.take("c") > 0
    assert limit.take("d") == 0.0
    assert limit.take("c") > 0
    assert limit.take("a") == 0.0
