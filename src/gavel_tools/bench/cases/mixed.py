"""A fixed load on one bid-api and on three: whether a hot item delays the bids on quiet ones."""

import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import uuid4

import uvloop

from gavel_tools.bench.case import Effort, Figure, Measured
from gavel_tools.bench.clients.bid_service import create_items
from gavel_tools.bench.clients.paced_calls import PLACE_BID, at_pace, connections_to
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.systems.bid_db import drain
from gavel_tools.bench.systems.four_processes import FURTHER_BID_APIS, FourProcesses

QUIET_ITEMS = 500
# A prime that divides no count of items: an item's next bid comes from another bidder.
BIDDERS = 997
BIDS_PER_S = 600
HOT_EVERY = 4
# To each bid-api. A bid that finds all of them in use waits, and its wait counts.
CONNECTIONS = 32
# A p99 needs more samples than a rate does.
TIMES_AS_LONG = 2


@dataclass(slots=True)
class Answers:
    """Milliseconds from the intended start of a bid to its answer, on quiet items and on the hot one.

    `refused` counts bids that a higher one overtook, nearly all on the hot item; `per_s` is the rate of all answers.
    """

    quiet_ms: list[float] = field(default_factory=list[float])
    hot_ms: list[float] = field(default_factory=list[float])
    refused: int = 0
    per_s: float = 0.0


class Bidding:
    """Bids at an even pace, spread over bid-apis; amounts rise from load to load."""

    def __init__(self, port: int) -> None:
        self._hot_id, *self._quiet_ids = create_items(port, f"bench-{uuid4()}", 1 + QUIET_ITEMS)
        self._bidders = [str(uuid4()) for _ in range(BIDDERS)]
        self._amount = 1

    def run(self, ports: Sequence[int], seconds: float) -> Answers:
        """Bid for so long. Raises MeasurementFailed for an answer that is neither an acceptance nor a refusal."""
        return uvloop.run(self._run(ports, seconds))

    async def _run(self, ports: Sequence[int], seconds: float) -> Answers:
        answers = Answers()
        first_amount = self._amount
        self._amount += round(BIDS_PER_S * seconds)
        async with AsyncExitStack() as stack:
            bid_apis = [await stack.enter_async_context(connections_to(port, CONNECTIONS)) for port in ports]

            async def bid(number: int, due_seconds: float) -> None:
                item_id = item_of(number, self._hot_id, self._quiet_ids)
                user_id = self._bidders[number % BIDDERS]
                body = json.dumps({"item_id": item_id, "user_id": user_id, "amount": first_amount + number}).encode()
                began_seconds = min(due_seconds, time.perf_counter())
                bid_api = bid_apis[number % len(bid_apis)]
                status, _ = await bid_api.call(PLACE_BID, body, (HTTPStatus.OK, HTTPStatus.BAD_REQUEST))
                samples = answers.hot_ms if item_id == self._hot_id else answers.quiet_ms
                samples.append((time.perf_counter() - began_seconds) * 1_000)
                answers.refused += status != HTTPStatus.OK

            answers.per_s = await at_pace(BIDS_PER_S, seconds, bid)
        return answers


def item_of(number: int, hot_id: str, quiet_ids: Sequence[str]) -> str:
    """The item that bid `number` is on: one in HOT_EVERY on the hot one, the others on the quiet ones in turn."""
    hot_before, turn = divmod(number, HOT_EVERY)
    return quiet_ids[(number - hot_before - 1) % len(quiet_ids)] if turn else hot_id


@dataclass(frozen=True, slots=True)
class Mixed:
    """The same load on one bid-api and then on three, beside the workers, on one Postgres."""

    name: str = "mixed"
    section: str = "mixed"
    title: str = "1 and 3 bid-apis, 600 bids/s"
    rounds_max: int = 3
    figures: Sequence[Figure] = (
        Figure(name="quiet_p99_times", label="a quiet item's p99, three over one", at_most=1.5),
        Figure(name="quiet_p99_ms_one", label="quiet items, one bid-api, p99", unit="ms"),
        Figure(name="quiet_p99_ms_three", label="quiet items, three, p99", unit="ms"),
        Figure(name="quiet_p50_ms_one", label="quiet items, one bid-api, p50", unit="ms"),
        Figure(name="quiet_p50_ms_three", label="quiet items, three, p50", unit="ms"),
        Figure(name="hot_p99_ms_one", label="hot item, one bid-api, p99", unit="ms"),
        Figure(name="hot_p99_ms_three", label="hot item, three, p99", unit="ms"),
        # Where bids queue up for want of CPU, the p99 says nothing about the hot item.
        Figure(name="kept_percent_one", label="answered of the 600/s, one bid-api", unit="%", at_least=95),
        Figure(name="kept_percent_three", label="answered of the 600/s, three", unit="%", at_least=95),
        Figure(name="refused_one", label="bids that were overtaken, one bid-api"),
        Figure(name="refused_three", label="bids that were overtaken, three"),
    )

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        ports = [processes.stack.ports.http_port(name) for name in ("bid-api", *FURTHER_BID_APIS)]
        bidding = Bidding(ports[0])
        one = _answers(processes, bidding, ports[:1], effort)
        for name in FURTHER_BID_APIS:
            processes.start(name)
        three = _answers(processes, bidding, ports, effort)
        for name in FURTHER_BID_APIS:
            processes.stop(name)
        return figures_of(one, three)


def _answers(processes: FourProcesses, bidding: Bidding, ports: Sequence[int], effort: Effort) -> Answers:
    """Answers after a warm-up. Afterwards nothing is owed."""
    bidding.run(ports, effort.warmup_seconds)
    answers = bidding.run(ports, TIMES_AS_LONG * effort.seconds)
    drain(processes.bid_db_url)
    return answers


def figures_of(one: Answers, three: Answers) -> dict[str, float]:
    """The figures of the case from the answers of one bid-api and of three."""
    figures: dict[str, float] = {}
    for name, answers in (("one", one), ("three", three)):
        figures |= {
            f"quiet_p99_ms_{name}": percentile(answers.quiet_ms, 99),
            f"quiet_p50_ms_{name}": percentile(answers.quiet_ms, 50),
            f"hot_p99_ms_{name}": percentile(answers.hot_ms, 99),
            f"kept_percent_{name}": answers.per_s / BIDS_PER_S * 100,
            f"refused_{name}": answers.refused,
        }
    return {"quiet_p99_times": figures["quiet_p99_ms_three"] / figures["quiet_p99_ms_one"], **figures}


MIXED = Mixed()
