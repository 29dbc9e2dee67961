"""JSON for the page besides the service: the status of the whole installation, and the page's settings."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from gavel import __version__
from gavel.bids.adapters.connect.recent_calls import CallCounts, failed_share, p99_seconds
from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.ports.book import Unavailable
from gavel.runtime.http.calls import Call
from gavel.runtime.http.exchange import Response, json_response, refusal
from gavel.runtime.http.routes import OPTIONAL_TOKEN, Page, json_page
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.redis.single_flight import SingleFlight
from gavel.runtime.telemetry.metrics import Source

# Periods over which the rate of bids, and latency and failures of calls, are measured.
RATE_PERIOD = timedelta(seconds=5)
CALLS_PERIOD = timedelta(seconds=60)
# How long one reading is reused, and how long a source of metrics may take: a broker that is away must not hold up
# the rest.
READING_SECONDS = 0.5
SOURCE_SECONDS_MAX = 0.5
# Outbox rows counted at most. A longer backlog is shown as this many.
STATUS_OUTBOX_ROWS_MAX = 20_000

_UNAVAILABLE = refusal(503, "unavailable", "the status can't be read now: try again")

_READ_STATUS = load_sql(__package__, "read_status_page")


class _Reading(NamedTuple):
    at: datetime
    bids: int
    calls: CallCounts


class StatusPage:
    """GET /status.json: the status of the installation at one moment, read once for all callers.

    Bids, outbox, auctions and the closer are the whole installation's; watchers, latency and failures are those of the
    process that answers. `sources` have metrics of calls and dead letters; what no source has is None.
    """

    def __init__(self, pool: asyncpg.Pool, watchers: Callable[[], int], sources: Sequence[Source] = ()) -> None:
        self._pool = pool
        self._watchers = watchers
        self._sources = sources
        self._readings: deque[_Reading] = deque()
        self._status: Mapping[str, object] = {}
        self._reused_until_seconds = 0.0
        self._single_flight = SingleFlight(self._read)

    async def answer(self, _call: Call) -> Response:
        """Respond with the status, or with 503 if the database can't be read."""
        try:
            return json_response(200, await self.status())
        except Unavailable:
            return _UNAVAILABLE

    async def status(self) -> Mapping[str, object]:
        """The status by name, as web/README.md describes it. Raises Unavailable."""
        if self._reused_until_seconds < asyncio.get_running_loop().time():
            return await self._single_flight.join("status")
        return self._status

    async def _read(self, _: str) -> Mapping[str, object]:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(_READ_STATUS, STATUS_OUTBOX_ROWS_MAX)
        samples = await _samples(self._sources)
        newest = _Reading(row["at"], row["bids"], CallCounts.of(samples))
        while self._readings and newest.at - self._readings[0].at > CALLS_PERIOD:
            self._readings.popleft()
        self._readings.append(newest)
        calls_before = self._readings[0].calls
        dead_letters = [sample.value for sample in samples if sample.name == "gavel_dead_letters_kept"]
        self._status = {
            "version": __version__,
            "at": row["at"].isoformat(),
            "bids_per_second": self._bids_per_second(newest),
            "outbox_events": row["outbox_events"],
            "outbox_oldest_seconds": round(row["outbox_oldest_seconds"], 3),
            "closer_overdue_seconds": round(row["closer_overdue_seconds"], 3),
            "items_active": row["items_active"],
            "dead_letters": int(dead_letters[0]) if dead_letters else None,
            "watchers": self._watchers(),
            "bid_p99_seconds": p99_seconds(calls_before, newest.calls),
            "failed_calls_share": failed_share(calls_before, newest.calls),
        }
        self._reused_until_seconds = asyncio.get_running_loop().time() + READING_SECONDS
        return self._status

    def _bids_per_second(self, newest: _Reading) -> float:
        """The rate since the oldest reading within RATE_PERIOD; 0 if there is no other."""
        oldest = next(each for each in self._readings if newest.at - each.at <= RATE_PERIOD)
        seconds = (newest.at - oldest.at).total_seconds()
        # The count restarts if the server lost its statistics.
        return round(max(0, newest.bids - oldest.bids) / seconds, 1) if seconds > 0 else 0.0


async def _samples(sources: Sequence[Source]) -> list[Sample]:
    """The samples of all sources; a source that fails or is late has none."""
    found = await asyncio.gather(*(_read_in_time(source) for source in sources))
    return [sample for metrics in found for metric in metrics for sample in metric.samples]


async def _read_in_time(source: Source) -> Sequence[Metric]:
    with suppress(Exception):
        async with asyncio.timeout(SOURCE_SECONDS_MAX):
            return await source()
    return ()


def page_settings(settings: Mapping[str, object]) -> Page:
    """GET /page.json: the page's public settings, and for the bearer of a token the user id that they bid under."""

    async def answer(call: Call) -> object:
        user_id = call.proven_user_id
        return settings if user_id is None else {**settings, "user_id": user_id}

    return json_page(answer, OPTIONAL_TOKEN)
