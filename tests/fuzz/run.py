"""`make fuzz`: requests made from the contract, and bids as damaged bytes in pieces, to a Gavel of its own.

None may be a 5xx, a hang or a traceback; the bids that are stored are those that were answered as accepted.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import httpx
from rich.console import Console
from rich.progress import Progress

from tests.e2e.gavel_process import SELLER_ID, Client, Standalone, bidder, new_data_folder, running_standalone
from tests.fuzz.cases import Case, Cases
from tests.fuzz.pieces import CONNECTIONS, PiecesReport, fuzz_pieces

CASES = 50_000
AT_ONCE = 32
ANSWER_SECONDS_MAX = 20.0
FAILURES_SHOWN_MAX = 10
LOG_LINES_SHOWN = 40
_INSIDE = ("Traceback", "unexpected_error", "Exception in ASGI application")
_OUR_FAULT = (b'"internal"', b'"unknown"', b'"data_loss"')


@dataclass(slots=True)
class Report:
    """How many answers had which status, and what must not be."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: list[str] = field(default_factory=list[str])


async def fuzz(gavel: Standalone, seed: int, count: int, progress: Progress | None = None) -> Report:
    """Send `count` cases, AT_ONCE at a time, and look at each answer."""
    report = Report()
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, base_url=gavel.url) as http:
        client = Client(http, gavel.url)
        item_ids = [await client.list_item(buyNowPrice=10**6) for _ in range(5)]
        users = [SELLER_ID, *(bidder(number) for number in range(1, 6))]
        cases = enumerate(islice(Cases(seed, item_ids, users), count))
        task = progress.add_task("cases", total=count) if progress else None

        async def send(cases: Iterator[tuple[int, Case]]) -> None:
            for number, case in cases:
                if problem := await _problem(http, case, report):
                    report.failures.append(f"case {number} of seed {seed}: {problem}: {_told(case)}")
                if progress and task is not None:
                    progress.advance(task)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(send(cases))
        if (await http.get("/livez")).status_code != 200:
            report.failures.append("afterwards it no longer says that it lives")
    return report


async def _problem(http: httpx.AsyncClient, case: Case, report: Report) -> str:
    try:
        reply = await http.post(case.path, content=case.body, headers=dict(case.headers))
    except httpx.TimeoutException:
        return f"no answer within {ANSWER_SECONDS_MAX:.0f} s"
    except httpx.TransportError as error:
        return f"the connection broke: {error!r}"
    report.statuses[reply.status_code] += 1
    if reply.status_code >= 500 or any(fault in reply.content for fault in _OUR_FAULT):
        return f"{reply.status_code} {reply.text[:300]}"
    if reply.headers.get("content-type") == "application/json":
        json.loads(reply.content)
    return ""


def _told(case: Case) -> str:
    return f"POST {case.path} {dict(case.headers)} {case.body[:500]!r}"


async def _run(seed: int, count: int, connections: int, console: Console) -> tuple[Report, PiecesReport]:
    with new_data_folder() as folder:
        async with running_standalone(folder) as gavel:
            with Progress(console=console) as progress:
                report = await fuzz(gavel, seed, count, progress)
                pieces = await fuzz_pieces(gavel, seed, connections, progress)
        report.failures += pieces.failures + insides(await gavel.logs())
    return report, pieces


def insides(logs: str) -> list[str]:
    """The lines of a log that show an unexpected error."""
    lines = logs.splitlines()
    return [
        "in the log:\n" + "\n".join(lines[number : number + LOG_LINES_SHOWN])
        for number, line in enumerate(lines)
        if any(word in line for word in _INSIDE)
    ]


def main() -> int:
    """Run and tell; 1 where anything was wrong."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--cases", type=int, default=CASES)
    arguments.add_argument("--connections", type=int, default=CONNECTIONS)
    chosen = arguments.parse_args()
    console = Console()
    began_seconds = time.monotonic()
    report, pieces = asyncio.run(_run(chosen.seed, chosen.cases, chosen.connections, console))
    statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(report.statuses.items()))
    console.print(f"{report.statuses.total():,} answers in {time.monotonic() - began_seconds:.0f} s: {statuses}")
    console.print(f"in pieces: {pieces.accepted:,} bids accepted, {pieces.refused:,} requests refused")
    for failure in report.failures[:FAILURES_SHOWN_MAX]:
        console.print(failure, style="red", markup=False)
    console.print("nothing wrong" if not report.failures else f"{len(report.failures)} failures", style="bold")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
