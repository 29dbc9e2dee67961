"""Interface of a benchmark case. One file a case in `cases/`; a new one is added to the list there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from gavel_tools.bench.systems.four_processes import FourProcesses
from gavel_tools.bench.systems.processes import Server


class MeasurementFailed(Exception):
    """The figures of this run are invalid; the text says why."""


class Side(Enum):
    """The server that a figure was measured on, in the order in which a round measures them.

    Gavel and the naive baseline have the same HTTP layer, schema and Postgres. The HTTP ceiling is a bare HTTP server.
    """

    CEILING = "ceiling"
    GAVEL = "gavel"
    NAIVE = "naive"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for one measurement. The load runs for `seconds`, after a warm-up that does not count."""

    seconds: int = 5
    warmup_seconds: int = 1
    connections: int = 64
    single_bids: int = 500
    # Between two single bids, so that each finds the system idle again.
    single_bid_pause_seconds: float = 0.005
    backlog_events: int = 200_000
    long_backlog_events: int = 1_000_000
    watchers: int = 1_000
    watched_turns: int = 5
    held_watchers: int = 10_000
    # Callers of an overload: enough to ask for three times what is done while those who are let in wait.
    callers: int = 8_000
    # Of servers that are compared under load in turn.
    turns: int = 7


# For a quick check, not a measurement.
QUICK = Effort(
    seconds=1,
    single_bids=50,
    backlog_events=10_000,
    long_backlog_events=10_000,
    watched_turns=1,
    watchers=50,
    held_watchers=200,
    callers=400,
    turns=1,
)


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of two figures of the same round: `part`, of the case itself, over `whole`, of `whole_case`."""

    part: str
    whole_case: str
    whole: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that a case yields: its name in the results, the words it is shown with, and its goals.

    `at_most` and `at_least` are in `unit`; `naive_times_at_least` and `naive_times_at_most` are multiples of the
    baseline's number. `compared` figures are shown as a multiple of the baseline's. A figure with a `share` is not
    measured: it is computed from two that are.
    """

    name: str
    label: str
    unit: str = ""
    compared: bool = False
    at_most: float | None = None
    at_least: float | None = None
    naive_times_at_least: float | None = None
    naive_times_at_most: float | None = None
    share: Share | None = None


# A measurement: a number for each figure of its case but the shares, by the figure's name.
Measured = Mapping[str, float]


class Case(Protocol):
    """One thing that is measured.

    `section` is the object in the results that the figures go into; cases may share one.
    """

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        ...

    @property
    def section(self) -> str:
        """Where its figures are found in the results."""
        ...

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        ...

    @property
    def figures(self) -> Sequence[Figure]:
        """The figures it yields, the most important first."""
        ...


class ServerCase(Case, Protocol):
    """Measured once a round on each of its sides, whose server runs alone at that time."""

    @property
    def sides(self) -> Sequence[Side]:
        """The sides it is measured on."""
        ...

    def measure(self, server: Server, effort: Effort) -> Measured:
        """Measure once. Raises MeasurementFailed where the numbers could not be trusted."""
        ...


class ProcessesCase(Case, Protocol):
    """Measured on the four processes with RabbitMQ and Redis, once a round while rounds are left for it."""

    @property
    def rounds_max(self) -> int:
        """How often it is measured at most."""
        ...

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """Measure once, and leave nothing owed. Raises MeasurementFailed where the numbers could not be trusted."""
        ...


class OwnServersCase(Case, Protocol):
    """Measured on servers that it starts itself, while nothing else runs."""

    @property
    def rounds_max(self) -> int:
        """How often it is measured at most."""
        ...

    def measure(self, scratch: Path, effort: Effort) -> Measured:
        """Measure once, with all data below an empty folder. Raises MeasurementFailed or LocalServerFailed."""
        ...
