"""Slow and hostile clients in a process of their own, for as long as they are needed."""

import json
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.clients.hostile_probe import KINDS
from gavel_tools.bench.systems.processes import HOST

__all__ = ["KINDS", "LIMITED", "Hostile", "hostile"]

END_SECONDS_MAX = 30.0
# Settings by which a server limits these clients, and not those of a measurement.
LIMITED = {"ADDRESS_LIMITS_EXEMPT": HOST, "SELLER_CALLS_PER_DAY": "5000"}


class Hostile:
    """Clients that have begun."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def until_refused(self) -> None:
        """Return when the first has been refused or cut off. Raises MeasurementFailed."""
        if self._process.stdout is None or self._process.stdout.readline() != "refused\n":
            raise MeasurementFailed("the hostile clients have ended")

    def end(self) -> Mapping[str, int]:
        """End them; how often they were refused and cut off, and their other replies. Raises MeasurementFailed."""
        try:
            said, complaint = self._process.communicate(timeout=END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise MeasurementFailed("the hostile clients did not come to an end") from None
        if self._process.returncode != 0:
            raise MeasurementFailed(f"the hostile clients failed:\n{complaint}")
        return json.loads(said.splitlines()[-1])


@contextmanager
def hostile(kind: str, port: int, item_ids: Sequence[str]) -> Generator[Hostile]:
    """Have the clients of a kind in the context. Raises MeasurementFailed if they do not begin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gavel_tools.bench.clients.hostile_probe", kind, str(port), *item_ids],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise MeasurementFailed(f"the clients of the kind {kind} did not begin:\n{process.communicate()[1]}")
        yield Hostile(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
