"""How long a bid takes from its commit to the broker's confirm, and to GetUserStats, while 500 a second come."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from uuid import uuid4

import uvloop

from gavel_tools.bench.case import Effort, Figure, Measured, MeasurementFailed
from gavel_tools.bench.clients.bid_service import create_items
from gavel_tools.bench.clients.paced_calls import GET_USER_STATS, PLACE_BID, Connections, at_pace, connections_to
from gavel_tools.bench.clients.samples import percentile
from gavel_tools.bench.systems.four_processes import FourProcesses
from gavel_tools.bench.systems.gauges import Gauge, looking_into
from gavel_tools.bench.systems.outbox_stays import ms_since, note_stays

ITEMS = 50
BIDDERS = 997
BIDS_PER_S = 500
CONNECTIONS = 32
# Looking costs the machine too: one bid in so many is followed to its bidder's totals, asked for so often.
FOLLOWED_EVERY = 25
ASK_SECONDS = 0.005
TIMES_AS_LONG = 2
STATS_SECONDS_MAX = 10.0


@dataclass(slots=True)
class Delays:
    """Milliseconds, one number an event that was confirmed, and one a bid that was followed.

    Both begin at the time that the database gave the bid, a moment before its COMMIT, and end when the next look shows
    that it is done: the true delays are shorter by a commit and half a look.
    """

    confirmed_ms: list[float] = field(default_factory=list[float])
    counted_ms: list[float] = field(default_factory=list[float])
    bids_per_s: float = 0.0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class DelaysCase:
    """Bids at an even pace on some items; confirmed is what is not in the outbox any more."""

    name: str = "delays"
    section: str = "delays"
    title: str = "Four processes, 500 bids/s"
    rounds_max: int = 2
    figures: Sequence[Figure] = (
        Figure(name="commit_to_confirm_p50_ms", label="commit to RabbitMQ's confirm, p50", unit="ms"),
        Figure(name="commit_to_confirm_p99_ms", label="commit to RabbitMQ's confirm, p99", unit="ms"),
        Figure(name="commit_to_stats_p50_ms", label="commit to GetUserStats, p50", unit="ms"),
        Figure(name="commit_to_stats_p99_ms", label="commit to GetUserStats, p99", unit="ms"),
        Figure(name="bids_per_s", label="bids meanwhile", unit="/s"),
        Figure(name="refused", label="bids that were overtaken"),
        Figure(name="followed_bids", label="bids followed to GetUserStats"),
    )

    def measure(self, processes: FourProcesses, effort: Effort) -> Measured:
        """See ProcessesCase.measure."""
        item_ids = create_items(processes.stack.ports.bid_api, f"bench-{uuid4()}", ITEMS)
        uvloop.run(_measure(processes, item_ids, 1, effort.warmup_seconds))
        delays = uvloop.run(_measure(processes, item_ids, 1_000_000, TIMES_AS_LONG * effort.seconds))
        return {
            "commit_to_confirm_p50_ms": percentile(delays.confirmed_ms, 50),
            "commit_to_confirm_p99_ms": percentile(delays.confirmed_ms, 99),
            "commit_to_stats_p50_ms": percentile(delays.counted_ms, 50),
            "commit_to_stats_p99_ms": percentile(delays.counted_ms, 99),
            "bids_per_s": delays.bids_per_s,
            "refused": delays.refused,
            "followed_bids": len(delays.counted_ms),
        }


async def _measure(processes: FourProcesses, item_ids: Sequence[str], first_amount: int, seconds: int) -> Delays:
    ports, delays = processes.stack.ports, Delays()
    bidders = [str(uuid4()) for _ in range(BIDDERS)]
    async with (
        looking_into(processes.bid_db_url) as bid_db,
        looking_into(processes.bid_db_url) as outbox,
        connections_to(ports.bid_api, CONNECTIONS) as bid_api,
        connections_to(ports.stats_api, CONNECTIONS) as stats_api,
    ):

        async def bid(number: int, _due_seconds: float) -> None:
            followed = number % FOLLOWED_EVERY == 0
            bidder = str(uuid4()) if followed else bidders[number % BIDDERS]
            message = {"item_id": item_ids[number % ITEMS], "user_id": bidder, "amount": first_amount + number}
            body = json.dumps(message).encode()
            status, answer = await bid_api.call(PLACE_BID, body, (HTTPStatus.OK, HTTPStatus.BAD_REQUEST))
            if status != HTTPStatus.OK:
                # The item's next bid, a tenth of a second behind it, overtook it.
                delays.refused += 1
            elif followed:
                committed_at = datetime.fromisoformat(json.loads(answer)["bid"]["createdAt"])
                delays.counted_ms.append(await _until_counted(stats_api, bidder, committed_at))

        done = asyncio.Event()
        looking = asyncio.create_task(note_stays(outbox, done, delays.confirmed_ms))
        try:
            delays.bids_per_s = await at_pace(BIDS_PER_S, seconds, bid)
            await bid_db.reaches(Gauge.OWED_EVENTS, 0)
        finally:
            done.set()
            await looking
    if not delays.confirmed_ms or not delays.counted_ms:
        raise MeasurementFailed("no event was seen in the outbox, or none in the totals")
    return delays


async def _until_counted(stats_api: Connections, user_id: str, committed_at: datetime) -> float:
    """Ask for a new bidder's totals until there are any; milliseconds since the bid."""
    asked = json.dumps({"user_id": user_id}).encode()
    async with asyncio.timeout(STATS_SECONDS_MAX):
        while True:
            status, _ = await stats_api.call(GET_USER_STATS, asked, (HTTPStatus.OK, HTTPStatus.NOT_FOUND))
            if status == HTTPStatus.OK:
                return ms_since(committed_at)
            await asyncio.sleep(ASK_SECONDS)


DELAYS = DelaysCase()
