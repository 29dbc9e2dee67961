"""One run: rounds in which Gavel and the baseline are measured in turn, so that noise hits both; then the processes."""

import tempfile
from collections.abc import Sequence
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
from gavel_tools.bench.systems.processes import GAVEL_COMMAND, NAIVE_COMMAND, ServerFailed, running_server
from gavel_tools.local_servers.server_process import LocalServerFailed

EXIT_MEASURED = 0
EXIT_FAILED = 1

# Open files for ten thousand watchers and the server's other connections.
OPEN_FILES = 16_384

_FAILURES = (
    MeasurementFailed,
    ServerFailed,
    LocalServerFailed,
    EmbeddedPostgresFailed,
    DataFolderUnusable,
    FolderInUse,
)
_COMMANDS = {Side.GAVEL: GAVEL_COMMAND, Side.NAIVE: NAIVE_COMMAND}


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
        """The cases that are asked for. Raises MeasurementFailed for a name that is none."""
        if unknown := set(self.only) - {case.name for case in CASES}:
            names = ", ".join(case.name for case in CASES)
            raise MeasurementFailed(f"no such case: {', '.join(sorted(unknown))}; there are {names}")
        return [case for case in CASES if not self.only or case.name in self.only]


def run_bench(options: BenchOptions) -> int:
    """Measure, print the table, and write bench.json and bench.svg to the folder of the results.

    The exit status: 0 whatever the figures are, 1 where they could not be trusted.
    """
    console = open_console()
    try:
        cases = options.cases
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
            for side in Side:
                _measure_side(console, f"{number}/{rounds}", side, Path(scratch), cases, effort, results)
        _measure_processes(console, rounds, Path(scratch) / "processes", cases, effort, results)
        _measure_own_servers(console, rounds, Path(scratch), cases, effort, results)
    return results


def _measure_side(
    console: Console,
    round_name: str,
    side: Side,
    scratch: Path,
    cases: Sequence[Case],
    effort: Effort,
    results: Results,
) -> None:
    """Start a side's server, measure its cases one after the other, and stop it: nothing runs beside it."""
    asked = [case for case in SERVER_CASES if case in cases and side in case.sides]
    if not asked:
        return
    with (
        console.status(f"round {round_name}  {side.value}: starting") as status,
        running_server(_COMMANDS[side], scratch / side.value) as server,
    ):
        _note_database(server.bid_db_url, results)
        for case in asked:
            status.update(f"round {round_name}  {side.value}: {case.title} ({case.name})")
            measured = case.measure(server, effort)
            results.add(case, side, measured)
            _tell(console, f"round {round_name}  {side.value:<5}", case, measured)


def _measure_processes(
    console: Console, rounds: int, scratch: Path, cases: Sequence[Case], effort: Effort, results: Results
) -> None:
    """Start the four processes once, and measure their cases round after round."""
    asked = [case for case in PROCESSES_CASES if case in cases]
    if not asked:
        return
    with running_four_processes(scratch, console) as processes:
        _note_database(processes.bid_db_url, results)
        for number in range(1, rounds + 1):
            for case in asked:
                if number > case.rounds_max:
                    continue
                with console.status(f"round {number}/{rounds}  {case.title} ({case.name})"):
                    measured = case.measure(processes, effort)
                results.add(case, Side.GAVEL, measured)
                _tell(console, f"round {number}/{rounds}  gavel", case, measured)


def _measure_own_servers(
    console: Console, rounds: int, scratch: Path, cases: Sequence[Case], effort: Effort, results: Results
) -> None:
    for case in (case for case in OWN_SERVERS_CASES if case in cases):
        for number in range(1, min(rounds, case.rounds_max) + 1):
            with console.status(f"round {number}/{rounds}  {case.title} ({case.name})"):
                measured = case.measure(scratch / f"{case.name}-{number}", effort)
            results.add(case, Side.GAVEL, measured)
            _tell(console, f"round {number}/{rounds}  gavel", case, measured)


def _tell(console: Console, where: str, case: Case, measured: Measured) -> None:
    first = case.figures[0]
    said = f"{first.label} {in_words(measured[first.name], first.unit)}"
    console.print(f"{where}  {case.title}: {said}", highlight=False)


def _note_database(bid_db_url: str, results: Results) -> None:
    """Keep the database's settings with the conditions. Raises MeasurementFailed where the sides' differ."""
    settings = read_settings(bid_db_url)
    known = results.conditions.postgres
    if known and known != settings:
        raise MeasurementFailed(f"the sides' databases differ: {known} and {settings}")
    results.conditions = replace(results.conditions, postgres=settings)
