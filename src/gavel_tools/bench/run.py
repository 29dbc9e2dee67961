"""One run: rounds in which everything is measured in turn, so that noise of the machine affects all alike."""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from gavel.cli.console import open_console
from gavel.runtime.postgres.connections import DATABASE_ERRORS
from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed
from gavel.runtime.process.open_files import allow_open_files
from gavel_tools.bench.case import QUICK, Case, Effort, Measured, MeasurementFailed, Side
from gavel_tools.bench.cases import CASES, OWN_SERVERS_CASES, PROCESSES_CASES, SERVER_CASES
from gavel_tools.bench.chart import write_chart
from gavel_tools.bench.conditions import read_conditions
from gavel_tools.bench.report import print_report, warn_if_busy
from gavel_tools.bench.results import Results, in_words
from gavel_tools.bench.systems.bid_db import read_settings
from gavel_tools.bench.systems.four_processes import running_four_processes
from gavel_tools.bench.systems.processes import CEILING_COMMAND, GAVEL_COMMAND, NAIVE_COMMAND, running_server
from gavel_tools.local_servers.server_process import LocalServerFailed

EXIT_MEASURED = 0
EXIT_FAILED = 1

# Open files for ten thousand watchers and the server's other connections.
OPEN_FILES = 16_384

_FAILURES = (
    MeasurementFailed,
    LocalServerFailed,
    EmbeddedPostgresFailed,
    DataFolderUnusable,
    FolderInUse,
)
_COMMANDS = {Side.CEILING: CEILING_COMMAND, Side.GAVEL: GAVEL_COMMAND, Side.NAIVE: NAIVE_COMMAND}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What to measure and how long. `only` names cases, all where it is empty; `quick` is a look, not a measurement."""

    seconds: int = 5
    rounds: int = 3
    quick: bool = False
    only: Sequence[str] = ()
    results: Path = Path("bench/results")

    @property
    def effort(self) -> Effort:
        """How much is done for one measurement."""
        return QUICK if self.quick else Effort(seconds=self.seconds)

    @property
    def cases(self) -> list[Case]:
        """The cases that are asked for, and those that a share is of. Raises MeasurementFailed for a wrong name."""
        if unknown := set(self.only) - {case.name for case in CASES}:
            names = ", ".join(case.name for case in CASES)
            raise MeasurementFailed(f"no such case: {', '.join(sorted(unknown))}; there are {names}")
        names = _with_wholes(self.only or [case.name for case in CASES])
        return [case for case in CASES if case.name in names]


def _with_wholes(names: Collection[str]) -> Collection[str]:
    """Add the cases that shares of the named ones are of, and so on."""
    figures = [figure for case in CASES if case.name in names for figure in case.figures]
    wholes = {figure.share.whole_case for figure in figures if figure.share is not None}
    return names if wholes <= set(names) else _with_wholes({*names, *wholes})


def run_bench(options: BenchOptions) -> int:
    """Measure, print the table, and write bench.json and bench.svg to the folder of the results.

    The exit status: 0 whatever the figures are, 1 where they could not be trusted.
    """
    console = open_console()
    try:
        cases = options.cases
        if added := [case.name for case in cases if options.only and case.name not in options.only]:
            console.print(f"Also measured, because a share is of it: {', '.join(added)}", highlight=False)
        results = _measure(console, cases, 1 if options.quick else options.rounds, options.effort)
    except (*_FAILURES, *DATABASE_ERRORS) as error:
        console.print(f"[red]The measurement failed:[/red] {error or type(error).__name__}", highlight=False)
        return EXIT_FAILED
    rows = results.rows(cases)
    print_report(console, rows, results.conditions)
    options.results.mkdir(parents=True, exist_ok=True)
    written = [options.results / "bench.json"]
    results.write_json(cases, written[0])
    if write_chart(rows, results.conditions, options.results / "bench.svg"):
        written.append(options.results / "bench.svg")
    console.print(f"Written: {', '.join(map(str, written))}", highlight=False)
    return EXIT_MEASURED


def _measure(console: Console, cases: Sequence[Case], rounds: int, effort: Effort) -> Results:
    # The servers and the load inherit it.
    allow_open_files(OPEN_FILES)
    results = Results(read_conditions(rounds, effort))
    warn_if_busy(console, results.conditions)
    # A short path: the socket of the embedded Postgres lies in it.
    with tempfile.TemporaryDirectory(prefix="gavel-") as scratch:
        for number in range(1, rounds + 1):
            this_round = _Round(number, f"round {number}/{rounds}", Path(scratch), console, cases, effort, results)
            for side in Side:
                this_round.measure_side(side)
            this_round.measure_processes()
            this_round.measure_own_servers()
    return results


@dataclass(frozen=True, slots=True)
class _Round:
    """One round: each side, the four processes, and the cases with servers of their own, one after the other."""

    number: int
    name: str
    scratch: Path
    console: Console
    cases: Sequence[Case]
    effort: Effort
    results: Results

    def measure_side(self, side: Side) -> None:
        """Start a side's server, measure its cases one after the other, and stop it."""
        asked = [case for case in SERVER_CASES if case in self.cases and side in case.sides]
        if not asked:
            return
        with (
            self.console.status(f"{self.name}  {side.value}: starting") as status,
            running_server(_COMMANDS[side], self.scratch / side.value) as server,
        ):
            if side is not Side.CEILING:
                _note_database(server.bid_db_url, self.results)
            for case in asked:
                status.update(f"{self.name}  {side.value}: {case.title} ({case.name})")
                self._note(case, side, case.measure(server, self.effort))

    def measure_processes(self) -> None:
        """Start the four processes on new databases, measure their cases one after the other, and stop them."""
        asked = [case for case in PROCESSES_CASES if case in self.cases and self.number <= case.rounds_max]
        if not asked:
            return
        with running_four_processes(self.scratch / f"processes-{self.number}", self.console) as processes:
            _note_database(processes.bid_db_url, self.results)
            for case in asked:
                with self.console.status(f"{self.name}  {case.title} ({case.name})"):
                    measured = case.measure(processes, self.effort)
                self._note(case, Side.GAVEL, measured)

    def measure_own_servers(self) -> None:
        """Measure the cases that start their own servers."""
        for case in OWN_SERVERS_CASES:
            if case in self.cases and self.number <= case.rounds_max:
                with self.console.status(f"{self.name}  {case.title} ({case.name})"):
                    measured = case.measure(self.scratch / f"{case.name}-{self.number}", self.effort)
                self._note(case, Side.GAVEL, measured)

    def _note(self, case: Case, side: Side, measured: Measured) -> None:
        """Keep a measurement, and print its most important figure."""
        self.results.add(case, side, measured)
        first = next(figure for figure in case.figures if figure.name in measured)
        said = f"{first.label} {in_words(measured[first.name], first.unit)}"
        self.console.print(f"{self.name}  {side.value:<7}  {case.title}: {said}", highlight=False)


def _note_database(bid_db_url: str, results: Results) -> None:
    """Keep the database's settings with the conditions. Raises MeasurementFailed where the sides' differ."""
    settings = read_settings(bid_db_url)
    known = results.conditions.postgres
    if known and known != settings:
        raise MeasurementFailed(f"the sides' databases differ: {known} and {settings}")
    results.conditions = replace(results.conditions, postgres=settings)
