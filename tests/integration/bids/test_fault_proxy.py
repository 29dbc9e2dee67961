"""The fault proxy does what it is asked, and nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from tests.servers.fault_proxy import FaultProxy, Streams, Towards, fault_proxy, upstream_of

Connect = Callable[[], Awaitable[Streams]]


@pytest.fixture
async def received() -> list[bytes]:
    """What the echo server was sent."""
    return []


@pytest.fixture
async def proxy(received: list[bytes]) -> AsyncGenerator[FaultProxy]:
    """A proxy before a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1_000):
                received.append(chunk)
                writer.write(chunk)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with fault_proxy(upstream_of(f"redis://127.0.0.1:{port}/0")) as proxy:
        yield proxy
    server.close()


@pytest.fixture
async def connect(proxy: FaultProxy) -> AsyncGenerator[Connect]:
    """Opens connections to the proxy, which are closed after the test."""
    writers: list[asyncio.StreamWriter] = []

    async def open_one() -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writers.append(writer)
        return reader, writer

    yield open_one
    for writer in writers:
        writer.close()


async def _say(streams: Streams, words: bytes, *, answer_bytes: int | None = None) -> bytes:
    reader, writer = streams
    writer.write(words)
    return await reader.readexactly(len(words) if answer_bytes is None else answer_bytes)


async def test_a_behaving_proxy_passes_bytes_both_ways(connect: Connect, proxy: FaultProxy) -> None:
    client = await connect()
    assert await _say(client, b"one") == b"one"
    assert await _say(client, b"two") == b"two"
    assert proxy.connections_made == 1


async def test_what_was_held_is_delivered_later(connect: Connect, proxy: FaultProxy, received: list[bytes]) -> None:
    client = await connect()
    await _say(client, b"one")
    proxy.hold()
    said = asyncio.create_task(_say(client, b"two"))
    done, _ = await asyncio.wait([said], timeout=0.05)
    assert not done
    assert received == [b"one"]
    proxy.behave()
    assert await said == b"two"


async def test_what_was_swallowed_is_lost(connect: Connect, proxy: FaultProxy, received: list[bytes]) -> None:
    client = await connect()
    await _say(client, b"one")
    proxy.swallow()
    said = asyncio.create_task(_say(client, b"two"))
    done, _ = await asyncio.wait([said], timeout=0.05)
    assert not done
    said.cancel()
    await asyncio.wait([said])
    proxy.behave()
    client[1].write(b"three")
    assert await client[0].readexactly(5) == b"three"
    assert received == [b"one", b"three"]


async def test_a_connection_is_cut_after_a_pattern_that_arrives(
    connect: Connect, proxy: FaultProxy, received: list[bytes]
) -> None:
    client, other = await connect(), await connect()
    await _say(client, b"a COM")
    cut = proxy.cut_after(b"COMMIT", Towards.SERVER)
    with pytest.raises(asyncio.IncompleteReadError) as answered:
        await _say(client, b"MIT; and more")
    assert answered.value.partial == b""
    assert cut.struck.is_set()
    assert await _say(other, b"COMMIT") == b"COMMIT"
    assert b"".join(received) == b"a COMMITCOMMIT"


async def test_a_connection_is_cut_before_a_pattern_that_never_arrives(
    connect: Connect, proxy: FaultProxy, received: list[bytes]
) -> None:
    client = await connect()
    proxy.cut_before(b"COMMIT", Towards.SERVER)
    with pytest.raises(asyncio.IncompleteReadError):
        await _say(client, b"a COMMIT")
    assert b"COMMIT" not in b"".join(received)


async def test_a_connection_is_cut_after_so_many_bytes_of_the_answer(connect: Connect, proxy: FaultProxy) -> None:
    client = await connect()
    proxy.cut_after(4, Towards.CLIENT)
    with pytest.raises(asyncio.IncompleteReadError) as answered:
        await _say(client, b"abcdef")
    assert answered.value.partial == b"abcd"


async def test_a_pattern_is_exchanged_once(connect: Connect, proxy: FaultProxy) -> None:
    client = await connect()
    proxy.exchange(b"yes", b"no!", Towards.SERVER)
    assert await _say(client, b"oh yes") == b"oh no!"
    assert await _say(client, b"oh yes") == b"oh yes"


async def test_cut_connections_end_and_refused_ones_never_begin(connect: Connect, proxy: FaultProxy) -> None:
    client = await connect()
    await _say(client, b"one")
    proxy.cut_all()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await _say(client, b"two")
    proxy.refuse()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await _say(await connect(), b"three")
    proxy.behave()
    assert await _say(await connect(), b"four") == b"four"


def test_urls_lead_through_the_proxy() -> None:
    proxy = FaultProxy(upstream_of("redis://127.0.0.1:1"))
    proxy.port = 7_000
    assert proxy.url("postgresql://gavel@/bids?host=/run/x&a=b") == "postgresql://gavel@127.0.0.1:7000/bids?a=b"
    assert proxy.url("amqp://me:secret@broker:5672/vhost") == "amqp://me:secret@127.0.0.1:7000/vhost"
