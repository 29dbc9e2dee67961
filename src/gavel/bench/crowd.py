"""Watchers in a process of their own, for as long as they are needed."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from gavel.bench.case import MeasurementFailed

TELL_SECONDS_MAX = 30.0


class Arrived(NamedTuple):
    """To how many watchers a bid came, and when the last of them had it, in seconds since the epoch."""

    watchers: int
    last_at_seconds: float


class Watching:
    """Watchers of one item that all have their snapshot."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def end(self) -> dict[int, Arrived]:
        """Close them all; what came to them, by the amount that was bid. Raises MeasurementFailed."""
        try:
            said, complaint = self._process.communicate(timeout=TELL_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise MeasurementFailed("the watchers did not come to an end") from None
        if self._process.returncode != 0:
            raise MeasurementFailed(f"the watchers failed:\n{complaint}")
        return {int(amount): Arrived(*arrived) for amount, arrived in json.loads(said).items()}


@contextmanager
def watching(port: int, item_id: str, watchers: int, *, stall: bool = False) -> Generator[Watching]:
    """Have so many watchers in the context, which read what comes, or nothing. Raises MeasurementFailed."""
    command = [sys.executable, "-m", "gavel.bench.watch_probe", str(port), item_id, str(watchers)]
    process = subprocess.Popen(
        [*command, *(["--stall"] if stall else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise MeasurementFailed(f"the watchers did not get their snapshots:\n{process.communicate()[1]}")
        yield Watching(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
