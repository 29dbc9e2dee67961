"""The limit on open files is raised as far as the system allows, which some systems tell only by refusing."""

import resource

import pytest

from gavel.runtime.process.open_files import allow_open_files

SOFT = 256


class System:
    """A system's limits; `refused` is raised for every limit above what it really allows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, told_max: int, real_max: int, refused: Exception) -> None:
        self.limit = SOFT
        self._told_max, self._real_max, self._refused = told_max, real_max, refused
        monkeypatch.setattr(resource, "getrlimit", self._get)
        monkeypatch.setattr(resource, "setrlimit", self._set)

    def _get(self, _: int) -> tuple[int, int]:
        return self.limit, self._told_max

    def _set(self, _: int, limits: tuple[int, int]) -> None:
        if limits[0] > self._real_max:
            raise self._refused
        self.limit = limits[0]


@pytest.mark.parametrize(
    "refused", [ValueError("current limit exceeds maximum limit"), OSError(22, "Invalid argument")]
)
def test_without_a_reported_maximum_the_highest_possible_limit_is_found(
    refused: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(monkeypatch, resource.RLIM_INFINITY, 10_240, refused)
    assert allow_open_files(32_768) == system.limit == 8_192


def test_what_can_not_be_raised_at_all_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, resource.RLIM_INFINITY, SOFT, ValueError())
    assert allow_open_files(32_768) == system.limit == SOFT


def test_the_reported_maximum_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, 4_096, 4_096, ValueError())
    assert allow_open_files(32_768) == system.limit == 4_096


def test_a_limit_that_is_high_enough_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, 4_096, 0, ValueError())
    assert allow_open_files(100) == system.limit == SOFT
