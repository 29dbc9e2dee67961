"""The options of `gavel bench` on the command line."""

from typing import Annotated

import typer

from gavel.runtime.telemetry.logs import configure_logs


def bench(
    *,
    seconds: Annotated[int, typer.Option(min=1, help="Duration of each load, in seconds.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each case; the report has their median.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="One short round, to see that it works.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="A case to measure, with those that its shares are of; repeatable.")
    ] = None,
) -> None:
    """Measure Gavel beside a naive baseline on this machine."""
    from gavel_tools.bench.run import BenchOptions, run_bench

    configure_logs("WARNING", "console")
    raise typer.Exit(run_bench(BenchOptions(seconds=seconds, rounds=rounds, quick=quick, only=only or ())))
