"""The broker inside the process: a publisher returns after the acknowledgement, and memory is bounded."""

import asyncio

import pytest

from gavel.runtime.process.in_process_broker import BrokerClosed, InProcessBroker

SOON_SECONDS = 5.0


def _bodies(*bodies: bytes) -> list[tuple[str, bytes]]:
    return [("bid.placed", each) for each in bodies]


async def _take(broker: InProcessBroker, count: int = 10) -> list[bytes]:
    return [message.body for message in await broker.take(count, SOON_SECONDS)]


async def test_publishing_returns_only_when_every_message_is_acknowledged() -> None:
    broker = InProcessBroker()
    async with asyncio.TaskGroup() as tasks:
        publishing = tasks.create_task(broker.publish(_bodies(b"one", b"two")))
        first = await broker.take(1, SOON_SECONDS)
        broker.ack(message.number for message in first)
        [second] = await broker.take(1, SOON_SECONDS)
        assert second.body == b"two"
        assert second.routing_key == "bid.placed"
        assert not publishing.done()
        broker.ack([second.number])
        async with asyncio.timeout(SOON_SECONDS):
            await publishing


async def test_what_is_not_acknowledged_is_given_again_before_anything_new() -> None:
    broker = InProcessBroker()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.publish(_bodies(b"one", b"two")))
        assert await _take(broker, 1) == [b"one"]
        tasks.create_task(broker.publish(_bodies(b"three")))
        await asyncio.sleep(0)
        again = await broker.take(10, SOON_SECONDS)
        assert [message.body for message in again] == [b"one", b"two", b"three"]
        broker.ack(message.number for message in again)


async def test_taking_waits_no_longer_than_its_timeout_and_may_find_nothing() -> None:
    assert await InProcessBroker().take(10, 0) == []
    assert await InProcessBroker().take(10, 0.001) == []


async def test_no_more_messages_are_held_than_the_bound_and_all_get_through() -> None:
    broker = InProcessBroker(messages_max=2)
    seen: list[bytes] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(broker.publish(_bodies(b"1", b"2", b"3", b"4", b"5")))
        while len(seen) < 5:
            messages = await broker.take(10, SOON_SECONDS)
            assert 1 <= len(messages) <= 2
            seen += [message.body for message in messages]
            broker.ack(message.number for message in messages)
    assert seen == [b"1", b"2", b"3", b"4", b"5"]


async def test_a_publisher_that_gives_up_withdraws_untaken_messages() -> None:
    broker = InProcessBroker()
    publishing = asyncio.create_task(broker.publish(_bodies(b"seen", b"unseen")))
    assert await _take(broker, 1) == [b"seen"]
    publishing.cancel()
    await asyncio.wait([publishing])
    assert await _take(broker) == [b"seen"]
    retry = asyncio.create_task(broker.publish(_bodies(b"seen", b"unseen")))
    await asyncio.sleep(0)
    messages = await broker.take(10, SOON_SECONDS)
    assert [message.body for message in messages] == [b"seen", b"seen", b"unseen"]
    broker.ack(message.number for message in messages)
    await retry


async def test_closing_fails_what_waits_and_what_comes() -> None:
    broker = InProcessBroker(messages_max=1)
    held = asyncio.create_task(broker.publish(_bodies(b"held")))
    waiting = asyncio.create_task(broker.publish(_bodies(b"waits for room")))
    [message] = await broker.take(10, SOON_SECONDS)
    broker.close()
    for publishing in (held, waiting, asyncio.create_task(broker.publish(_bodies(b"late")))):
        with pytest.raises(BrokerClosed):
            await publishing
    assert message.body == b"held"


async def test_closing_wakes_waiting_consumers() -> None:
    broker = InProcessBroker()
    taking = asyncio.create_task(broker.take(10, 60))
    await asyncio.sleep(0)
    broker.close()
    async with asyncio.timeout(SOON_SECONDS):
        assert await taking == []


async def test_what_was_taken_before_the_close_can_still_be_acknowledged_and_is_published() -> None:
    broker = InProcessBroker()
    publishing = asyncio.create_task(broker.publish(_bodies(b"one")))
    [message] = await broker.take(10, SOON_SECONDS)
    broker.ack([message.number])
    broker.close()
    await publishing
