"""Event loop lag: how late timers fire, because other work keeps the loop busy."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from time import perf_counter

from prometheus_client.core import Metric

from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import Source, histogram

PROBE_SECONDS = 0.1


@asynccontextmanager
async def event_loop_lag() -> AsyncGenerator[Source]:
    """Measure inside the context, ten times a second, how late a timer fires."""
    delay = Histogram()
    probe = asyncio.create_task(_probe(delay), name="loop-delay")

    async def read() -> Sequence[Metric]:
        meaning = "How much later than asked for a timer of the event loop went off, measured ten times a second."
        return [histogram("gavel_event_loop_lag_seconds", meaning, (), {(): delay})]

    try:
        yield read
    finally:
        probe.cancel()
        with suppress(asyncio.CancelledError):
            await probe


async def _probe(delay: Histogram) -> None:
    while True:
        # Not the loop's own clock, which stands still during a turn of the loop.
        due_seconds = perf_counter() + PROBE_SECONDS
        await asyncio.sleep(PROBE_SECONDS)
        delay.observe(max(0.0, perf_counter() - due_seconds))
