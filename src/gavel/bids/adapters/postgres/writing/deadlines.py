"""Deadline clock: answers commands whose deadline passes, with one timer for all that are pending."""

import asyncio
from collections.abc import Callable, Iterable
from math import inf

from gavel.bids.adapters.postgres.writing.command import Command
from gavel.bids.ports.book import DeadlineExceeded

# Between two walks over the pending commands, of which there may be thousands.
DEADLINE_PAUSE_SECONDS = 0.01


class DeadlineClock:
    """Timer for the earliest deadline. When it is due, it walks over the pending commands and is set for the next.

    So a command costs one comparison. It is answered with DeadlineExceeded up to DEADLINE_PAUSE_SECONDS late.
    """

    def __init__(self, pending: Callable[[], Iterable[Command]]) -> None:
        self._pending = pending
        self._timer: asyncio.TimerHandle | None = None
        self._due_seconds = inf
        self._not_before_seconds = 0.0

    def watch(self, command: Command) -> None:
        """Have the command answered at its deadline, if it is pending then."""
        if command.call.deadline_seconds < self._due_seconds:
            self._set(command.call.deadline_seconds)

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due_seconds = None, inf

    def _set(self, due_seconds: float) -> None:
        self.stop()
        self._due_seconds = due_seconds
        at_seconds = max(due_seconds, self._not_before_seconds)
        self._timer = asyncio.get_running_loop().call_at(at_seconds, self._expire)

    def _expire(self) -> None:
        now_seconds = asyncio.get_running_loop().time()
        self._not_before_seconds = now_seconds + DEADLINE_PAUSE_SECONDS
        self.stop()
        expired: list[Command] = []
        next_seconds = inf
        for command in self._pending():
            deadline_seconds = command.call.deadline_seconds
            if command.settled:
                continue
            if deadline_seconds <= now_seconds:
                expired.append(command)
            elif deadline_seconds < next_seconds:
                next_seconds = deadline_seconds
        if next_seconds < inf:
            self._set(next_seconds)
        # After the walk: a callback may submit another command.
        for command in expired:
            command.answer(DeadlineExceeded())
