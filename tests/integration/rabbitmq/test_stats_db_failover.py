"""Events that were lost on their way are found and counted: by a failover of stats_db to an asynchronous replica, and
by a broker that lost its queue.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import asyncpg
import pytest

from gavel.bids.adapters.postgres.feed import recorded_log
from gavel.bids.adapters.rabbitmq.publisher import STATS_EVENTS
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.refusals import Refusal
from gavel.bids.settings import BidWorkerSettings
from gavel.bids.worker import open_bid_worker
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.embedded import SUPERUSER
from gavel.runtime.run_process import Parts
from gavel.userstats import worker as stats_worker
from gavel.userstats.adapters.postgres import completeness
from gavel.userstats.settings import StatsWorkerSettings
from gavel.userstats.worker import open_stats_worker
from tests.auction_house import House, new_user, open_house, until
from tests.servers.own_postgres import OwnPostgres
from tests.servers.rabbitmq import RabbitMqServer
from tests.servers.rabbitmq_broker import Broker

pytestmark = [pytest.mark.integration, pytest.mark.fault, pytest.mark.timeout(300)]

VHOST = "failover"
BIDDERS = [new_user() for _ in range(8)]
LOST_EVENTS_MIN = 200
MENDED_SECONDS_MAX = 120.0

STORED = (
    "SELECT user_id::text, count(*), sum(amount)::bigint, max(created_at), max(amount), count(DISTINCT item_id)"
    " FROM bids GROUP BY user_id ORDER BY user_id"
)
COUNTED = (
    "SELECT user_id::text, total_bids, total_amount, last_bid_at, highest_bid, items_bid_on"
    " FROM user_stats WHERE is_bidder ORDER BY user_id"
)
EVENTS = "SELECT (SELECT count(*) FROM bids) + (SELECT count(*) FROM item_events)"
IDS = "SELECT count(*) FROM counted_events"


@pytest.fixture
def amqp_url(own_rabbitmq_server: RabbitMqServer) -> Generator[str]:
    """A vhost of the test's own, since the workers' queues have their real names."""
    own_rabbitmq_server.control("add_vhost", VHOST)
    own_rabbitmq_server.control("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
    yield f"{own_rabbitmq_server.url.rpartition('/')[0]}/{VHOST}"
    own_rabbitmq_server.control("delete_vhost", VHOST)


@pytest.fixture
async def servers() -> AsyncGenerator[tuple[OwnPostgres, OwnPostgres]]:
    """A primary with a migrated stats_db, and a replica that streams from it asynchronously."""
    # Not below pytest's own folder: see own_postgres.
    with TemporaryDirectory(prefix="gavel-tests-") as first, TemporaryDirectory(prefix="gavel-tests-") as second:
        primary = OwnPostgres(Path(first))
        await primary.start()
        await primary.make_stats_db()
        await primary.stop()
        replica = await primary.copy_to(Path(second))
        try:
            await primary.start()
            await replica.start()
            await replica.follow(primary)
            yield primary, replica
        finally:
            await replica.stop()
            await primary.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks follow each other faster than in production, so that the test ends sooner."""
    monkeypatch.setattr(recorded_log, "SETTLE", timedelta(seconds=2))
    monkeypatch.setattr(stats_worker, "RECONCILER_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(completeness, "CHECK_PAUSE", timedelta(seconds=0.4))
    monkeypatch.setattr(completeness, "GRACE", timedelta(seconds=0.4))


def _url_of(*servers: OwnPostgres, attributes: str = "read-write") -> str:
    """The URL of stats_db on whichever of the servers is the primary; with `any`, on one that may be a replica."""
    folders = ",".join(quote(str(server.socket_folder)) for server in servers)
    ports = ",".join(["5432"] * len(servers))
    return (
        f"postgresql://{SUPERUSER}@/stats_db?host={folders}&port={ports}&sslmode=disable&password=none"
        f"&target_session_attrs={attributes}"
    )


async def _rows(url: str, statement: str) -> list[asyncpg.Record]:
    """Rows of a database that may be away just now."""
    connection = await postgres.connect(url, "tests")
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def _counted(server: OwnPostgres, events_min: int) -> int:
    """Return the number of events that a server knows as counted, once it is at least this."""
    counted = 0

    async def are_counted() -> bool:
        nonlocal counted
        [[counted]] = await _rows(_url_of(server, attributes="any"), IDS)
        return counted >= events_min

    await until(are_counted)
    return counted


@asynccontextmanager
async def _bidding(house: House) -> AsyncGenerator[list[ItemId]]:
    """Bids on many items without a pause, by hand and by proxies; at the end every auction is closed."""
    stopping = asyncio.Event()
    items = [await house.list_item() for _ in range(20)]

    async def bidder(number: int, user_id: UserId) -> None:
        price = 10 + number
        while not stopping.is_set():
            for item_id in items:
                # Too low meanwhile, or the leader: the next price.
                with suppress(Refusal):
                    await house.bid(item_id, price, by=user_id, max_amount=price + 3 if number % 2 else 0)
            price += len(BIDDERS)

    async with asyncio.TaskGroup() as bidders:
        for number, user_id in enumerate(BIDDERS):
            bidders.create_task(bidder(number, user_id))
        try:
            yield items
        finally:
            stopping.set()
    for item_id in items:
        await house.end_now(item_id)
        await house.decide(item_id, close_due)


@pytest.mark.usefixtures("impatient")
async def test_after_a_failover_under_load_the_totals_are_exact_by_themselves(
    bid_db_url: str, amqp_url: str, servers: tuple[OwnPostgres, OwnPostgres]
) -> None:
    primary, replica = servers
    stats_db_url = _url_of(primary, replica)
    async with (
        open_house(bid_db_url) as house,
        _bid_worker(bid_db_url, amqp_url),
        _stats_worker(stats_db_url, amqp_url),
    ):
        async with _bidding(house):
            await _counted(replica, LOST_EVENTS_MIN)
            await replica.follow(None)
            counted = await _counted(primary, await _counted(replica, 0) + 2 * LOST_EVENTS_MIN)
            await primary.kill()
            kept = await _counted(replica, 0)
            assert counted - kept >= LOST_EVENTS_MIN
            await replica.promote()
            await _counted(replica, kept + LOST_EVENTS_MIN)
        await _become_exact(house, stats_db_url)


@pytest.mark.usefixtures("impatient")
async def test_what_the_broker_lost_with_its_queue_is_counted_by_itself(
    bid_db_url: str, stats_db_url: str, amqp_url: str
) -> None:
    async with open_house(bid_db_url) as house, _bid_worker(bid_db_url, amqp_url):
        async with _stats_worker(stats_db_url, amqp_url), _bidding(house):
            pass
        item_id = await house.list_item()
        for price in range(10, 30):
            await house.bid(item_id, price, by=BIDDERS[price % 2])

        async def are_published() -> bool:
            return await house.owed_events() == 0

        await until(are_published)
        await Broker(amqp_url, STATS_EVENTS).delete_queue()
        async with _stats_worker(stats_db_url, amqp_url):
            await _become_exact(house, stats_db_url)


def _bid_worker(bid_db_url: str, amqp_url: str) -> AbstractAsyncContextManager[Parts]:
    return open_bid_worker(BidWorkerSettings(bid_db_url=bid_db_url, rabbitmq_url=amqp_url))  # type: ignore[arg-type]


def _stats_worker(stats_db_url: str, amqp_url: str) -> AbstractAsyncContextManager[Parts]:
    settings = StatsWorkerSettings(stats_db_url=stats_db_url, rabbitmq_url=amqp_url)  # type: ignore[arg-type]
    return open_stats_worker(settings)


async def _become_exact(house: House, stats_db_url: str) -> None:
    """Return when every recorded event is counted and no second is incomplete; each bidder's totals are right then."""

    async def are_counted() -> bool:
        [row] = await _rows(stats_db_url, f"SELECT ({IDS}), (SELECT count(*) FROM incomplete_seconds)")
        return tuple(row) == (await house.pool.fetchval(EVENTS), 0)

    await until(are_counted, MENDED_SECONDS_MAX)
    assert await _rows(stats_db_url, COUNTED) == await house.pool.fetch(STORED)
    assert await house.owed_events() == 0
