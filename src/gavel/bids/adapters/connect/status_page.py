"""JSON for the page besides the service: the status of the whole installation, and the page's settings."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.ports.book import Unavailable
from gavel.runtime.http.calls import Call
from gavel.runtime.http.exchange import Response, json_response, refusal
from gavel.runtime.http.routes import Page, json_page
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.redis.single_flight import SingleFlight

# Period over which the rate of bids is measured, and how long one reading is reused.
RATE_SECONDS_MAX = 5.0
READING_SECONDS = 0.5
# Outbox rows counted at most. A longer backlog is shown as this many.
STATUS_OUTBOX_ROWS_MAX = 20_000

_UNAVAILABLE = refusal(503, "unavailable", "the status can't be read now: try again")

_READ_STATUS = load_sql(__package__, "read_status_page")


class _Reading(NamedTuple):
    at: datetime
    bids: int


class StatusPage:
    """GET /status.json: the status of the whole installation at one moment, read once for all callers."""

    def __init__(self, pool: asyncpg.Pool, watchers: Callable[[], int]) -> None:
        self._pool = pool
        self._watchers = watchers
        self._readings: deque[_Reading] = deque()
        self._told: Mapping[str, object] = {}
        self._told_until_seconds = 0.0
        self._single_flight = SingleFlight(self._read)

    async def answer(self, _call: Call) -> Response:
        """Respond with the status, or with 503 if the database can't be read."""
        try:
            return json_response(200, await self.metrics())
        except Unavailable:
            return _UNAVAILABLE

    async def metrics(self) -> Mapping[str, object]:
        """Bids a second, outbox events and the age of the oldest, watchers, open auctions. Raises Unavailable."""
        if self._told_until_seconds < asyncio.get_running_loop().time():
            return await self._single_flight.join("status")
        return self._told

    async def _read(self, _: str) -> Mapping[str, object]:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(_READ_STATUS, STATUS_OUTBOX_ROWS_MAX)
        self._told = {
            "bids_per_second": self._bids_per_second(_Reading(row["at"], row["bids"])),
            "outbox_events": row["outbox_events"],
            "outbox_oldest_seconds": round(row["outbox_oldest_seconds"], 3),
            "watchers": self._watchers(),
            "items_active": row["items_active"],
            "at": row["at"].isoformat(),
        }
        self._told_until_seconds = asyncio.get_running_loop().time() + READING_SECONDS
        return self._told

    def _bids_per_second(self, newest: _Reading) -> float:
        """The rate since the oldest reading within RATE_SECONDS_MAX; 0 if there is no such reading."""
        while self._readings and (newest.at - self._readings[0].at).total_seconds() > RATE_SECONDS_MAX:
            self._readings.popleft()
        oldest = self._readings[0] if self._readings else newest
        self._readings.append(newest)
        seconds = (newest.at - oldest.at).total_seconds()
        # The count restarts if the server lost its statistics.
        return round(max(0, newest.bids - oldest.bids) / seconds, 1) if seconds > 0 else 0.0


def page_settings(settings: Mapping[str, object]) -> Page:
    """GET /page.json: the page's public settings, and for the bearer of a token the user id that they bid under."""

    async def answer(call: Call) -> object:
        user_id = call.proven_user_id
        return settings if user_id is None else {**settings, "user_id": user_id}

    return json_page(answer)
