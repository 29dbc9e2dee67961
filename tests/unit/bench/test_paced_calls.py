"""An even pace is kept by the clock: a late start moves no later one."""

import time

import pytest

from gavel_tools.bench.clients.paced_calls import at_pace

PER_S = 500.0


async def test_intended_starts_are_even_however_late_calls_begin() -> None:
    due: dict[int, float] = {}
    began: dict[int, float] = {}

    async def act(number: int, due_seconds: float) -> None:
        due[number], began[number] = due_seconds, time.perf_counter()
        if number == 0:
            # Holds up the event loop, as a stalled load generator would be.
            while time.perf_counter() < due_seconds + 20 / PER_S:
                pass

    await at_pace(PER_S, 40 / PER_S, act)
    assert [due[number] - due[0] for number in range(40)] == pytest.approx([number / PER_S for number in range(40)])
    # What was held up began late, which a delay counted from its due time includes.
    assert began[5] - due[5] > 10 / PER_S
