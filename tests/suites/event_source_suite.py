"""What every EventSource promises. An implementation's test class inherits the suite and gives it a transport."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from gavel.userstats.ports import Delivery, EventSource

SOON_SECONDS = 60.0
# Long enough to find what is there, short enough to find nothing.
A_MOMENT_SECONDS = 0.05


class Transport(Protocol):
    """A way from some publisher to some consumer."""

    async def send(self, bodies: Sequence[bytes]) -> None:
        """Hand messages to the broker, in this order, without waiting for the consumer."""
        ...

    async def open(self) -> EventSource:
        """A consumer; one that was opened before is gone, as if its process had died."""
        ...


def _bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


async def _take(source: EventSource, count: int) -> Sequence[Delivery]:
    """Take until so many are held: a broker may hand them over in several lots."""
    async with asyncio.timeout(SOON_SECONDS):
        while len(taken := await source.take(count, SOON_SECONDS)) < count:
            pass
    return taken


class EventSourceSuite:
    """The promises of the port."""

    async def test_bodies_arrive_byte_for_byte(self, transport: Transport) -> None:
        source = await transport.open()
        sent = [b"\x00\xff", b"x" * 150_000, b""]
        await transport.send(sent)
        assert sorted(_bodies(await _take(source, 3))) == sorted(sent)

    async def test_nothing_there_is_an_empty_answer_in_time(self, transport: Transport) -> None:
        source = await transport.open()
        async with asyncio.timeout(SOON_SECONDS):
            assert list(await source.take(10, A_MOMENT_SECONDS)) == []

    async def test_taking_waits_for_the_first_message(self, transport: Transport) -> None:
        source = await transport.open()
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(source.take(10, SOON_SECONDS))
            await asyncio.sleep(0)
            await transport.send([b"first"])
        assert _bodies(taking.result()) == [b"first"]

    async def test_what_is_not_acknowledged_comes_again_first(self, transport: Transport) -> None:
        source = await transport.open()
        await transport.send([b"one", b"two"])
        first = await _take(source, 2)
        await transport.send([b"three"])
        again = await _take(source, 3)
        assert list(again[:2]) == list(first)
        assert again[2].body == b"three"

    async def test_what_is_acknowledged_never_comes_again(self, transport: Transport) -> None:
        source = await transport.open()
        await transport.send([b"one", b"two", b"three"])
        taken = await _take(source, 3)
        await source.ack(taken[:2])
        assert list(await source.take(10, A_MOMENT_SECONDS)) == list(taken[2:])
        await source.ack(taken[2:])
        assert list(await source.take(10, A_MOMENT_SECONDS)) == []

    async def test_acknowledging_newer_ones_first_lets_go_of_no_older_one(self, transport: Transport) -> None:
        source = await transport.open()
        await transport.send([b"one", b"two", b"three", b"four"])
        taken = await _take(source, 4)
        await source.ack(taken[3:])
        assert list(await source.take(10, A_MOMENT_SECONDS)) == list(taken[:3])
        await asyncio.gather(source.ack(taken[2:3]), source.ack(taken[:1]))
        assert list(await source.take(10, A_MOMENT_SECONDS)) == list(taken[1:2])
        successor = await transport.open()
        assert _bodies(await _take(successor, 1)) == [taken[1].body]

    async def test_no_more_are_given_than_asked_for(self, transport: Transport) -> None:
        source = await transport.open()
        await transport.send([b"one", b"two", b"three"])
        await _take(source, 3)
        assert len(await source.take(2, SOON_SECONDS)) == 2

    async def test_what_a_dead_consumer_did_not_acknowledge_comes_to_the_next(self, transport: Transport) -> None:
        source = await transport.open()
        await transport.send([b"kept", b"acknowledged"])
        taken = await _take(source, 2)
        await source.ack([delivery for delivery in taken if delivery.body == b"acknowledged"])
        successor = await transport.open()
        assert _bodies(await _take(successor, 1)) == [b"kept"]
