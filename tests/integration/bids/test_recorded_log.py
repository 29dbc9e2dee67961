"""The log by the time of recording: how many events each second has, once all are published, and their bytes again."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

import pytest

from gavel.bids.adapters.postgres.feed import recorded_log
from gavel.bids.adapters.postgres.feed.recorded_log import PostgresRecordedLog
from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.domain.closing import close_due
from gavel.bids.ports.outbox import OutboxMessage
from gavel.bids.ports.recorded_log import Checkpoint
from gavel.contracts.events.v1.auction_events_pb import EventBatch
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, new_user, open_house

pytestmark = pytest.mark.integration

ALL_ROWS = 10_000


@pytest.fixture
async def house(bid_db_url: str) -> AsyncGenerator[House]:
    async with open_house(bid_db_url) as opened:
        yield opened


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole seconds are over as soon as the clock says so."""
    monkeypatch.setattr(recorded_log, "SETTLE", timedelta(0))


async def _relayed(house: House) -> list[bytes]:
    """Publish all that is owed; each event's bytes, sorted."""
    events: list[bytes] = []

    async def keep(messages: Sequence[OutboxMessage]) -> None:
        events.extend(_events(messages))

    while await PostgresOutbox(house.pool).relay(keep, ALL_ROWS):
        pass
    return sorted(events)


def _events(messages: Sequence[OutboxMessage]) -> list[bytes]:
    batches = [EventBatch.from_binary(message.body) for message in messages]
    assert [len(batch.events) for batch in batches] == [message.event_count for message in messages]
    return [event.to_binary() for batch in batches for event in batch.events]


async def _now(house: House) -> int:
    return await house.pool.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()))::bigint")


async def _next_second(house: House) -> None:
    """Return in the next second of the database's clock."""
    await house.pool.execute("SELECT pg_sleep(1.001 - extract(epoch FROM clock_timestamp()) % 1)")


async def _some_events(house: House) -> None:
    """Bids by hand and automatic ones, in two seconds, and two closes."""
    item_id, other_id = await house.list_item(), await house.list_item(reserve_price=500)
    anna = new_user()
    await house.bid(item_id, 100, by=anna, max_amount=1_000)
    await _next_second(house)
    for amount in range(200, 700, 100):
        await house.bid(item_id, amount, by=new_user())
    for each in (item_id, other_id):
        await house.end_now(each)
        await house.decide(each, close_due)


@pytest.mark.usefixtures("settled")
async def test_each_second_has_as_many_events_as_were_published_in_it_and_the_same_bytes_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_log, "LOG_ROWS_MAX", 2)
    since = await _now(house)
    await _some_events(house)
    published = await _relayed(house)
    await _next_second(house)
    log = PostgresRecordedLog(house.pool)
    checkpoint = await log.checkpoint(since)
    assert checkpoint.since == since
    assert checkpoint.until > max(second for second, _ in checkpoint.seconds)
    assert sum(each.events for each in checkpoint.seconds) == len(published) > 10
    again: dict[int, list[bytes]] = {}
    for second in range(since, checkpoint.until):
        again[second] = [event async for messages in log.messages(second) for event in _events(messages)]
    assert {second: len(events) for second, events in again.items() if events} == dict(checkpoint.seconds)
    assert len(checkpoint.seconds) > 1
    assert sorted(event for events in again.values() for event in events) == published


async def test_a_second_is_not_over_until_it_has_settled(house: House) -> None:
    now = await _now(house)
    log = PostgresRecordedLog(house.pool)
    assert (await log.checkpoint(now)) == Checkpoint(now, now)
    assert (await log.checkpoint(now - 60)).until <= await _now(house) - recorded_log.SETTLE.total_seconds()


@pytest.mark.usefixtures("settled")
async def test_what_is_owed_to_the_broker_holds_the_checkpoint_back(house: House) -> None:
    since = await _now(house)
    await house.list_item()
    await _next_second(house)
    await house.list_item()
    owed = await house.pool.fetchval("SELECT floor(extract(epoch FROM min(created_at)))::bigint FROM outbox")
    await _next_second(house)
    assert (await PostgresRecordedLog(house.pool).checkpoint(since)).until <= owed < await _now(house)
    await _relayed(house)
    assert (await PostgresRecordedLog(house.pool).checkpoint(since)).until > owed


@pytest.mark.usefixtures("settled")
async def test_a_transaction_that_is_not_over_holds_the_checkpoint_back(house: House) -> None:
    since = await _now(house)
    writer = await postgres.connect(house.url, "tests")
    await writer.execute("BEGIN; SELECT pg_current_xact_id()")
    await _next_second(house)
    await house.list_item()
    await _relayed(house)
    await _next_second(house)
    assert (await PostgresRecordedLog(house.pool).checkpoint(since)).until <= since + 1
    await writer.close()
    assert (await PostgresRecordedLog(house.pool).checkpoint(since)).until >= since + 2


@pytest.mark.usefixtures("settled")
async def test_a_checkpoint_is_bounded_and_the_next_goes_on_where_it_ended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_log, "CHECKPOINT_SECONDS_MAX", 1)
    since = await _now(house)
    await _some_events(house)
    events = len(await _relayed(house))
    await _next_second(house)
    log, counted = PostgresRecordedLog(house.pool), 0
    while (checkpoint := await log.checkpoint(since)).until > since:
        assert checkpoint.until == since + 1
        counted += sum(each.events for each in checkpoint.seconds)
        since = checkpoint.until
    assert counted == events
