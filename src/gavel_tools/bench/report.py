"""The results as text for people."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from gavel_tools.bench.case import Figure
from gavel_tools.bench.conditions import Conditions
from gavel_tools.bench.results import Row, in_words


def print_report(console: Console, rows: Sequence[Row], conditions: Conditions) -> None:
    """Print the table, the goals that were missed, and the conditions."""
    console.print()
    console.print(_table(rows))
    missed = [(row, words) for row in rows for words in row.missed]
    for row, words in missed:
        console.print(f"[red]missed[/red]  {row.case.title}, {row.figure.label}: {words}", soft_wrap=True)
    if not missed:
        console.print("[green]Every goal is met.[/green]")
    console.print()
    for line in conditions.lines():
        console.print(line, style="dim", soft_wrap=True, highlight=False)
    warn_if_busy(console, conditions)


def warn_if_busy(console: Console, conditions: Conditions) -> None:
    """Warn if the machine was busy, so that the figures may be too low."""
    if conditions.busy:
        console.print(
            f"[yellow]This machine is not idle[/yellow] (load average {conditions.load_average:.2f} on"
            f" {conditions.cpu_count} cores): the figures are worse than its own.",
            soft_wrap=True,
        )


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    # Only this one gives way where the terminal is narrow.
    table.add_column("")
    for heading in ("measured", "naive", "times"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title, group in groupby(rows, key=lambda row: row.case.title):
        table.add_row(f"[bold]{title}[/bold]")
        for row in group:
            table.add_row(
                f"  {row.figure.label}",
                in_words(row.value, row.figure.unit),
                "" if row.naive is None else in_words(row.naive, row.figure.unit),
                _times(row),
                _goal(row.figure),
                _verdict(row),
            )
    return table


def _times(row: Row) -> str:
    return f"{row.naive_times:,.1f}" if row.figure.compared and row.naive_times is not None else ""


def _goal(figure: Figure) -> str:
    parts: list[str] = []
    if figure.at_least is not None:
        parts.append(f"≥ {in_words(figure.at_least)}")
    if figure.at_most is not None:
        parts.append(f"≤ {in_words(figure.at_most)}")
    if figure.naive_times_at_least is not None:
        parts.append(f"≥ {figure.naive_times_at_least:g}×")
    if figure.naive_times_at_most is not None:
        parts.append(f"≤ {figure.naive_times_at_most:g}×")
    return ", ".join(parts)


def _verdict(row: Row) -> str:
    if not row.has_goal:
        return ""
    return "[red]missed[/red]" if row.missed else "[green]met[/green]"
