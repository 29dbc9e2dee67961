"""`make chaos SEED=n`: 64 bidders on two of each process, at least 20 faults within three minutes, then the account.

Acknowledged bids are in the database, each once; the totals are those of the bids; no item's events have a gap; the
outbox and the dead letters are empty. `gavel bidders --verify` draws up one account: it asks again, with the same key
and at the other process, whatever had no answer. The databases' own books are the other.

With `--kills N` nothing but that many `kill -9` of processes at random, as fast as they come back.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from gavel_tools.local_servers.server_process import LocalServerFailed
from gavel_tools.local_servers.stack import Stack, command_of, private_ports
from tests.chaos.books import Books, read_books
from tests.chaos.faults import faults, kill
from tests.servers.balancer import next_of
from tests.servers.fault_proxy import fault_proxy

TWO_OF_EACH = {"bid-api": 2, "bid-worker": 2, "stats-api": 2, "stats-worker": 2}
FAULTS = 20
BIDDERS = 64
# Four processes are starting at any moment, and need the CPU to come back.
BIDDERS_BESIDE_KILLING = 16
# The bidders go on until the faults are over; this only bounds a run in which something hangs.
LOAD_SECONDS_MAX = 170
KILLING_SECONDS_MAX = 1_800
ACCOUNT_SECONDS_MAX = 120
# What is promised of a process that was killed. Where all processors are busy it takes longer, and the account says so;
# above the stack's READY_SECONDS_MAX something hangs, and the run fails.
READY_AGAIN_SECONDS = 2.0
PAUSE_SECONDS = (0.3, 1.2)


def main() -> int:
    """Run, print the account, and return the exit status: 1 where anything is lost, counted twice, or left over."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--kills", type=int, default=0)
    chosen = arguments.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="gavel-chaos-") as folder:
        stack = Stack(Path(folder), private_ports(TWO_OF_EACH))
        try:
            stack.up(console)
            harm = Harm(stack, chosen.seed, chosen.kills, console)
            account, books = asyncio.run(_run(stack, harm))
        finally:
            stack.down(console)
    return _tell(console, harm, account, books)


class Harm:
    """What is done to the stack, and what was."""

    def __init__(self, stack: Stack, seed: int, kills: int, console: Console) -> None:
        self.seed = seed
        self.seconds_max = KILLING_SECONDS_MAX if kills else LOAD_SECONDS_MAX
        self.bidders = BIDDERS_BESIDE_KILLING if kills else BIDDERS
        self.done: list[str] = []
        self.ready_seconds: list[float] = []
        self.not_ready: list[str] = []
        self.seconds = 0.0
        self._stack = stack
        self._kills = kills
        self._console = console
        self._started = time.monotonic()

    async def do(self) -> None:
        """Do all of it, and return when everything is ready again."""
        self._started = time.monotonic()
        if self._kills:
            await self._kill_at_random()
        else:
            await self._do_one_after_the_other()
        for name in self._stack.processes:
            await asyncio.to_thread(self._stack.wait_ready, name)
        self._say("everything is ready")
        self.seconds = time.monotonic() - self._started

    async def _do_one_after_the_other(self) -> None:
        chance = random.Random(self.seed)
        for name, harm in islice(faults(self._stack, chance), FAULTS):
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
            self._say(name)
            await asyncio.to_thread(harm)
            self.done.append(name)

    async def _kill_at_random(self) -> None:
        """One killer for each kind of process: the others of a kind live while one is down."""
        kinds = sorted({command_of(name) for name in self._stack.processes})
        await asyncio.gather(*(self._kill_some(kind, self._kills // len(kinds)) for kind in kinds))

    async def _kill_some(self, kind: str, times: int) -> None:
        chance = random.Random(f"{self.seed} {kind}")
        names = [name for name in self._stack.processes if command_of(name) == kind]
        for _ in range(times):
            await asyncio.sleep(chance.uniform(0, 1))
            name = chance.choice(names)
            described, harm = kill(self._stack, name, lambda: None)
            self._say(described)
            began = time.monotonic()
            await asyncio.to_thread(harm)
            try:
                await asyncio.to_thread(self._stack.wait_ready, name)
            except LocalServerFailed as failure:
                self.not_ready.append(str(failure))
            self.ready_seconds.append(time.monotonic() - began)
            self.done.append(described)

    def _say(self, name: str) -> None:
        self._console.print(f"{time.monotonic() - self._started:5.1f} s  {name}", highlight=False)


async def _run(stack: Stack, harm: Harm) -> tuple[dict[str, Any], Books]:
    """Bid through the harm; what the bidders make of it afterwards, and the books."""
    ports = stack.ports
    bid_apis, stats_apis = (
        [ports.http_port(name) for name in stack.processes if command_of(name) == command]
        for command in ("bid-api", "stats-api")
    )
    async with fault_proxy(next_of(bid_apis)) as bids, fault_proxy(next_of(stats_apis)) as stats:
        options = {"bidders": harm.bidders, "seconds": harm.seconds_max, "create": 6, "budget": 0}
        urls = {"url": f"http://127.0.0.1:{bids.port}", "stats-url": f"http://127.0.0.1:{stats.port}"}
        command = [f"--{name}={value}" for name, value in (options | urls).items()]
        bidders = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gavel", "bidders", *command, "--verify", "--json"), stdout=PIPE, stderr=DEVNULL
        )
        try:
            await harm.do()
            # The faults are over: the bidders stop, ask once more for what had no answer, and verify.
            with suppress(ProcessLookupError):
                bidders.send_signal(signal.SIGINT)
            async with asyncio.timeout(ACCOUNT_SECONDS_MAX):
                said, _ = await bidders.communicate()
        finally:
            if bidders.returncode is None:
                bidders.kill()
                await bidders.wait()
    return json.loads(said), await read_books(stack)


def _tell(console: Console, harm: Harm, account: dict[str, Any], books: Books) -> int:
    verification: dict[str, Any] = account.get("verification") or {"differences": ["nothing was verified"]}
    wrong = [*verification["differences"], *(f"{count} {what}" for what, count in books.wrong.items() if count)]
    wrong += harm.not_ready
    if account["stopped"] != "it was interrupted":
        wrong.append(f"the bidders did not bid through all of it: {account['stopped']}")
    console.print(f"\nSeed {harm.seed}: {len(harm.done)} faults in {harm.seconds:.0f} s", highlight=False)
    shown = {name: value for name, value in account.items() if name not in ("bidders", "items")}
    console.print_json(json.dumps(shown | {"books": {**books.facts, **books.wrong}}))
    if harm.ready_seconds:
        console.print(_ready_again(harm.ready_seconds), highlight=False)
    for problem in wrong:
        console.print(f"[red]wrong:[/red] {problem}", highlight=False)
    if not wrong:
        console.print("[green]Nothing is lost, nothing counts twice, nothing is left over.[/green]")
    return 1 if wrong else 0


def _ready_again(seconds: Sequence[float]) -> str:
    """How long those that were killed took to be ready again, and whether that is what is promised."""
    took, in_time = sorted(seconds), sum(each <= READY_AGAIN_SECONDS for each in seconds)
    verdict = "met" if in_time == len(took) else "missed"
    return (
        f"Ready again within {READY_AGAIN_SECONDS:.0f} s: {verdict}, by {in_time} of {len(took)}"
        f" ({took[len(took) // 2]:.1f} s is the median, {took[-1]:.1f} s the most)"
    )


if __name__ == "__main__":
    sys.exit(main())
