"""Asking once for many: whose answer is shared, and that none is older than its question."""

import asyncio

import pytest

from gavel.runtime.redis.single_flight import SingleFlight


class Source:
    """What is asked: counts its calls, and answers on request."""

    def __init__(self) -> None:
        self.value = 0
        self.asked: list[str] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None

    async def load(self, key: str) -> int:
        self.asked.append(key)
        value, error = self.value, self.error
        self.begun.set()
        await self.go_on.wait()
        if error is not None:
            raise error
        return value


@pytest.fixture
def source() -> Source:
    """What is asked."""
    return Source()


@pytest.fixture
def single_flight(source: Source) -> SingleFlight[str, int]:
    """The way to it."""
    return SingleFlight(source.load)


async def test_a_hundred_who_ask_at_once_share_one_answer(
    source: Source, single_flight: SingleFlight[str, int]
) -> None:
    source.value = 7
    assert await asyncio.gather(*(single_flight.join("a") for _ in range(100))) == [7] * 100
    assert source.asked == ["a"]


async def test_who_asks_for_something_else_gets_something_else(
    source: Source, single_flight: SingleFlight[str, int]
) -> None:
    await asyncio.gather(single_flight.join("a"), single_flight.join("b"), single_flight.join("a"))
    assert sorted(source.asked) == ["a", "b"]


async def test_who_asks_while_a_run_is_under_way_gets_the_next_and_shares_it(
    source: Source, single_flight: SingleFlight[str, int]
) -> None:
    source.go_on.clear()
    async with asyncio.TaskGroup() as tasks:
        early = tasks.create_task(single_flight.join("a"))
        await source.begun.wait()
        source.value = 1
        late = [tasks.create_task(single_flight.join("a")) for _ in range(50)]
        await asyncio.sleep(0)
        source.go_on.set()
    assert early.result() == 0
    assert {task.result() for task in late} == {1}
    assert source.asked == ["a", "a"]


async def test_an_answer_is_not_kept(source: Source, single_flight: SingleFlight[str, int]) -> None:
    assert await single_flight.join("a") == 0
    source.value = 1
    assert await single_flight.join("a") == 1


async def test_a_caller_that_goes_away_cancels_no_other(source: Source, single_flight: SingleFlight[str, int]) -> None:
    source.go_on.clear()
    leaving, staying = asyncio.create_task(single_flight.join("a")), asyncio.create_task(single_flight.join("a"))
    await source.begun.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert leaving.cancelled()
    source.go_on.set()
    assert await staying == 0


async def test_a_failure_reaches_all_who_asked_and_not_those_who_ask_next(
    source: Source, single_flight: SingleFlight[str, int]
) -> None:
    source.error = LookupError("away")
    outcomes = await asyncio.gather(*(single_flight.join("a") for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
    source.error = None
    assert await single_flight.join("a") == 0
