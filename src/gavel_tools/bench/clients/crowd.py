"""Watchers in a process of their own, for as long as they are needed."""

import json
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from gavel_tools.bench.case import MeasurementFailed

TELL_SECONDS_MAX = 30.0


# When a bid came to each watcher, in seconds since the epoch, by the amount that was bid.
Arrived = Mapping[int, Sequence[float]]


class Watching:
    """Watchers that all have a snapshot."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def end(self) -> Arrived:
        """Close them all; what came to them. Raises MeasurementFailed."""
        try:
            said, complaint = self._process.communicate(timeout=TELL_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise MeasurementFailed("the watchers did not come to an end") from None
        if self._process.returncode != 0:
            raise MeasurementFailed(f"the watchers failed:\n{complaint}")
        return {int(amount): at_seconds for amount, at_seconds in json.loads(said).items()}


@contextmanager
def watching(port: int, item_ids: Sequence[str], watchers: int, *, stall: bool = False) -> Generator[Watching]:
    """Have so many watchers in the context, which read what comes, or nothing. Raises MeasurementFailed."""
    command = [sys.executable, "-m", "gavel_tools.bench.clients.watch_probe", *(["--stall"] if stall else [])]
    process = subprocess.Popen(
        [*command, str(port), str(watchers), *item_ids],
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
