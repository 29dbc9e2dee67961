"""Background loops: a pass that is repeated until it is stopped."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_SECONDS_MAX = 2.0
STOP_SECONDS_MAX = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """Named background loop: `run_once` returns whether it found work; without work the loop idles for `idle_seconds`.

    `expected` are transient errors: logged, and retried with backoff and jitter.
    Any other exception is a bug: logged with its traceback, and retried too, so that a loop never stops silently.
    The event `wake` ends an idle wait early.
    """

    name: str
    run_once: Callable[[], Awaitable[bool]]
    idle_seconds: float
    expected: tuple[type[Exception], ...] = ()
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Repeat inside the context. On exit the pass in progress is finished, within STOP_SECONDS_MAX."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self._repeat(stopping), name=self.name)
        try:
            yield
        finally:
            stopping.set()
            self.wake.set()
            _, unfinished = await asyncio.wait([task], timeout=STOP_SECONDS_MAX)
            for late in unfinished:
                _log.warning("loop_cancelled", loop=self.name)
                late.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _repeat(self, stopping: asyncio.Event) -> None:
        backoff_seconds = 0.0
        while not stopping.is_set():
            self.wake.clear()
            try:
                found_work = await self.run_once()
            except self.expected as error:
                backoff_seconds = min(max(BACKOFF_FIRST_SECONDS, 2 * backoff_seconds), BACKOFF_SECONDS_MAX)
                _log.warning("loop_failed", loop=self.name, error=str(error), retry_seconds=backoff_seconds)
            except Exception:  # noqa: BLE001 - logged with its traceback; giving up would stop the part for good
                backoff_seconds = BACKOFF_SECONDS_MAX
                _log.exception("loop_crashed", loop=self.name)
            else:
                backoff_seconds = 0.0
                if found_work:
                    # Even a loop that always finds work yields to other tasks.
                    await asyncio.sleep(0)
                    continue
            if backoff_seconds:
                # Ignores `wake`: new work does not fix a failure.
                await wait_for(stopping, backoff_seconds * random.uniform(0.5, 1.0))
            elif not stopping.is_set():
                await wait_for(self.wake, self.idle_seconds)


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait up to `seconds` until the event is set; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
