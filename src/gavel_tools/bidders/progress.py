"""Progress of a run: a live table on a terminal, a plain line a second elsewhere."""

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from gavel.runtime.process.loops import wait_for
from gavel_tools.bidders.account import Account
from gavel_tools.bidders.tally import CallTally, Latencies

PLAIN_SECONDS = 1.0
LIVE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """The run at a moment. Rates and latencies are of the time since the glance before."""

    seconds: float
    accepted: int
    accepted_per_second: float
    answers_per_second: float
    refused: Counter[str]
    failed: int
    given_up: int
    no_answers: Counter[str]
    p50_ms: float
    p99_ms: float


class Watch:
    """Reads the account and the tally from time to time, and reports what has changed."""

    def __init__(self, account: Account, tally: CallTally, now: float) -> None:
        self._account = account
        self._tally = tally
        self._begun_at = self._glanced_at = now
        self._accepted = 0
        self._latencies = Latencies()

    def glance(self, now: float) -> Progress:
        """The run as it stands."""
        account, tally = self._account, self._tally
        seconds = max(now - self._glanced_at, 1e-6)
        latencies = tally.latencies.since(self._latencies)
        progress = Progress(
            seconds=now - self._begun_at,
            accepted=account.accepted,
            accepted_per_second=(account.accepted - self._accepted) / seconds,
            answers_per_second=latencies.buckets.total() / seconds,
            refused=account.refused,
            failed=account.failed.total(),
            given_up=account.given_up,
            no_answers=tally.no_answers,
            p50_ms=latencies.percentile_ms(0.5),
            p99_ms=latencies.percentile_ms(0.99),
        )
        self._glanced_at, self._accepted, self._latencies = now, account.accepted, tally.latencies.copy()
        return progress


def counted(counts: Counter[str]) -> str:
    """Counts by name, the most first."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common()) or "none"


def plain_line(progress: Progress) -> str:
    """One line, without control characters."""
    return (
        f"{progress.seconds:6.1f} s  {progress.accepted_per_second:8,.0f} accepted/s of "
        f"{progress.answers_per_second:,.0f} answers/s  accepted {progress.accepted:,}  "
        f"refused: {counted(progress.refused)}  no answer: {counted(progress.no_answers)}  "
        f"failed {progress.failed:,}  p50 {progress.p50_ms:.1f} ms  p99 {progress.p99_ms:.1f} ms"
    )


def live_table(progress: Progress) -> Table:
    """The same as a table."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    table.add_row("time", f"{progress.seconds:.1f} s")
    table.add_row("accepted", f"[green]{progress.accepted:,}[/]   {progress.accepted_per_second:,.0f}/s")
    table.add_row("answers", f"{progress.answers_per_second:,.0f}/s")
    table.add_row("latency", f"p50 {progress.p50_ms:.1f} ms   p99 {progress.p99_ms:.1f} ms")
    table.add_row("refused", counted(progress.refused))
    table.add_row("no answer", f"{counted(progress.no_answers)}   given up {progress.given_up:,}")
    table.add_row("failed", f"{progress.failed:,}")
    return table


async def show_progress(watch: Watch, stopping: asyncio.Event, title: str, stream: TextIO) -> None:
    """Show how it goes until the run stops."""
    loop, console = asyncio.get_running_loop(), Console(file=stream)
    if not stream.isatty() or console.is_dumb_terminal:
        while not await wait_for(stopping, PLAIN_SECONDS):
            print(plain_line(watch.glance(loop.time())), file=stream, flush=True)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not await wait_for(stopping, LIVE_SECONDS):
            live.update(Group(title, live_table(watch.glance(loop.time()))), refresh=True)


def progress_stream(*, json: bool) -> TextIO:
    """Where progress goes: beside the account, but not into its JSON."""
    return sys.stderr if json else sys.stdout
