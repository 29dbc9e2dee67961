"""A backlog that goes up and down has not grown; one that keeps rising has."""

import pytest

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.cases.pipeline import growth


@pytest.mark.parametrize(
    ("looks", "grown_by"),
    [
        ([0, 90, 30, 60, 30, 90, 0, 60, 60], 0),
        ([9, 9, 9, 5, 5, 5, 1, 1, 1], 0),
        ([0, 100, 200, 300, 400, 500, 600, 700, 800], 900),
    ],
)
def test_growth_is_what_the_last_third_has_more_than_the_first(looks: list[int], grown_by: float) -> None:
    assert growth(looks) == grown_by


def test_too_few_samples_show_nothing() -> None:
    with pytest.raises(MeasurementFailed):
        growth([1, 2])
