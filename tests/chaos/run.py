"""`make chaos SEED=n`: at least 20 faults under 64 bidders within three minutes, then the account.

Acknowledged bids are in the database, each once; the totals are those of the bids; the outbox and the dead letters are
empty. The account is drawn up by `gavel bidders --verify`, which asked again with the same key whatever had no answer.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from gavel.local_servers.ports import free_port
from gavel.local_servers.rabbitmq import RabbitMqPorts
from gavel.local_servers.stack import Stack, StackPorts
from gavel.runtime import postgres
from tests.chaos.faults import faults

FAULTS = 20
BIDDERS = 64
# The bidders go on until the faults are over; this only bounds a run in which something hangs.
LOAD_SECONDS_MAX = 170
PAUSE_SECONDS = (0.3, 1.2)
SETTLED_SECONDS_MAX = 30.0


def main() -> int:
    """Run, print the account, and return the exit status: 1 where anything is lost, counted twice, or left over."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    seed: int = arguments.parse_args().seed
    console = Console()
    with tempfile.TemporaryDirectory(prefix="gavel-chaos-") as folder:
        stack = Stack(Path(folder), _free_ports())
        try:
            stack.up(console)
            account, harmed, seconds = _bid_through_faults(stack, random.Random(seed), console)
            left = asyncio.run(_left_over(stack))
        finally:
            stack.down(console)
    return _tell(console, seed, account, harmed, seconds, left)


def _free_ports() -> StackPorts:
    admin = {name: free_port() for name in StackPorts().admin}
    rabbitmq = RabbitMqPorts(amqp=free_port(), tools=free_port(), registry=free_port())
    return StackPorts(free_port(), free_port(), admin, rabbitmq, free_port())


def _bid_through_faults(
    stack: Stack, chance: random.Random, console: Console
) -> tuple[dict[str, Any], list[str], float]:
    started, harmed = time.monotonic(), list[str]()
    url, stats_url = (f"http://127.0.0.1:{port}" for port in (stack.ports.bid_api, stack.ports.stats_api))
    command = [sys.executable, "-m", "gavel", "bidders", "--bidders", str(BIDDERS), "--seconds", str(LOAD_SECONDS_MAX)]
    command += ["--create", "6", "--url", url, "--stats-url", stats_url, "--verify", "--json"]
    bidders = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for name, harm in islice(faults(stack, chance), FAULTS):
            time.sleep(chance.uniform(*PAUSE_SECONDS))
            console.print(f"{time.monotonic() - started:5.1f} s  {name}", highlight=False)
            harm()
            harmed.append(name)
        for name in stack.processes:
            stack.wait_ready(name)
        # The faults are over: the bidders stop, ask once more for what had no answer, and verify.
        bidders.send_signal(signal.SIGINT)
        said, _ = bidders.communicate(timeout=120)
    finally:
        bidders.kill()
        bidders.wait()
    return json.loads(said), harmed, time.monotonic() - started


async def _left_over(stack: Stack) -> dict[str, int]:
    """What is still owed and what could not be counted, once that no longer changes."""
    connection = await postgres.connect(stack.postgres.server.url("bid_db"), "gavel-chaos")
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    try:
        while owed := await connection.fetchval("SELECT count(*) FROM outbox"):
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    queues = stack.rabbitmq.control("list_queues", "name", "messages", "--no-table-headers")
    waiting = dict(line.split("\t") for line in queues.splitlines() if "\t" in line)
    return {"outbox rows": owed} | {f"messages in {name}": int(count) for name, count in waiting.items()}


def _tell(
    console: Console, seed: int, account: dict[str, Any], harmed: list[str], seconds: float, left: dict[str, int]
) -> int:
    differences: list[str] = account.get("verification", {}).get("differences", ["nothing was verified"])
    remains = [f"{count} {what}" for what, count in left.items() if count]
    console.print(f"\nSeed {seed}: {len(harmed)} faults in {seconds:.0f} s", highlight=False)
    console.print_json(json.dumps({name: value for name, value in account.items() if name != "bidders"}))
    console.print(f"left over: {left}", highlight=False)
    for problem in (*differences, *remains):
        console.print(f"[red]wrong:[/red] {problem}", highlight=False)
    if differences or remains:
        return 1
    console.print("[green]Nothing is lost, nothing counts twice, nothing is left over.[/green]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
