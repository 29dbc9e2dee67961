"""The options of `gavel bench` on the command line."""

from typing import Annotated

import typer

from gavel.runtime.telemetry.logs import configure_logs


def bench(
    *,
    seconds: Annotated[int, typer.Option(min=1, help="How long each load runs.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="How often each case is measured; the median counts.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="One short round: a look, not a measurement.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="A case to measure, with those that its shares are of. Repeatable.")
    ] = None,
) -> None:
    """Measure Gavel beside a naive baseline on this machine."""
    from gavel_tools.bench.run import BenchOptions, run_bench

    configure_logs("WARNING", "console")
    raise typer.Exit(run_bench(BenchOptions(seconds=seconds, rounds=rounds, quick=quick, only=only or ())))
