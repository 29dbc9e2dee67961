"""A percentile is one of the values, by nearest rank."""

import pytest

from gavel_tools.bench.clients.samples import percentile


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0.5, 1), (0, 1)])
def test_of_a_hundred_values_the_percentile_is_the_one_of_that_rank(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_of_one_value_every_percentile_is_that_value() -> None:
    assert [percentile([7.0], percent) for percent in (1, 50, 99)] == [7.0] * 3


def test_of_nothing_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
