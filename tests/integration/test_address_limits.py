"""What one address may hold and ask for: connections, unfinished requests, refusals, and unread replies.

Clients are on several addresses of the loopback. It is exempt from these limits by default; here 127.0.0.1 alone is.
"""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest

from gavel.runtime.http.access_control import AccessControl, Limits
from gavel.runtime.http.addresses import Addresses, HostNames
from gavel.runtime.http.authentication.token_keys import Key, OneKey, public_key_of
from gavel.runtime.http.authentication.tokens import TokenVerifier
from gavel.runtime.http.calls import Call
from gavel.runtime.http.exchange import Exchange, Handler, Response
from gavel.runtime.http.load_shedding import ADDRESS_REFUSALS_PER_SECOND_MAX, PAUSE_SECONDS_MAX, REFUSALS_AT_ONCE_MAX
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.http.request_limits import RequestLimits
from gavel.runtime.http.routes import OPTIONAL_TOKEN, Page, Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from gavel.runtime.http.streams import STREAM_BUFFER_BYTES_MAX, Stream, chunk
from tests.http_handlers import StreamHandler
from tests.tokens import AUDIENCE, ISSUER, SigningKey

pytestmark = pytest.mark.integration

EXEMPT, GREEDY, HONEST, OTHER = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
ADDRESSES = Addresses(exempt=(ip_network(EXEMPT),))
LIMITS = RequestLimits(send_seconds_max=60, read_seconds_max=60)
HALF = b"POST /page HTTP/1.1\r\nhost: gavel\r\ncontent-length: 5\r\n\r\nhel"
WHOLE = HALF + b"lo"
GET = b"GET /page HTTP/1.1\r\nhost: gavel\r\n\r\n"
# The least that the kernel allows.
SOCKET_BYTES = 2_304
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """A server, and its clients by their addresses."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._writers: list[asyncio.StreamWriter] = []
        self._sockets: list[socket.socket] = []

    async def connect(self, host: str, sent: bytes = b"") -> Connection:
        """Connect from an address, and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        self._writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    async def send_and_read_nothing(self, host: str, sent: bytes) -> None:
        """Connect from an address with little room for what comes, send something, and read nothing."""
        loop, endpoint = asyncio.get_running_loop(), socket.socket()
        self._sockets.append(endpoint)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
        endpoint.bind((host, 0))
        endpoint.setblocking(False)
        await loop.sock_connect(endpoint, ("127.0.0.1", self.port))
        await loop.sock_sendall(endpoint, sent)

    def close(self) -> None:
        """Close all connections."""
        for endpoint in self._sockets:
            endpoint.close()
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def _served(
    handler: Handler, limits: RequestLimits = LIMITS, addresses: Addresses = ADDRESSES
) -> AsyncGenerator[Served]:
    listener = bind("127.0.0.1", 0)
    async with serving(handler, listener, limits=limits, addresses=addresses):
        served = Served(listener.getsockname()[1])
        try:
            yield served
        finally:
            served.close()


async def _hello(call: Call) -> Response:
    return Response(200, b"", (call.proven_user_id or "hello").encode())


def _pipeline(access_control: AccessControl | None = None) -> Pipeline:
    routes = {
        "/page": Page(_hello),
        "/whose": Page(_hello, OPTIONAL_TOKEN),
    }
    return Pipeline(Routes(routes), access_control or AccessControl(addresses=ADDRESSES))


async def _reply(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:-1])
    return int(lines[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def _is_refused_and_closed(reader: asyncio.StreamReader) -> None:
    status, headers, body = await _reply(reader)
    assert (status, json.loads(body)["code"], headers["connection"]) == (429, "resource_exhausted", "close")
    assert int(headers["retry-after"]) >= 1
    assert await reader.read() == b""


async def test_unfinished_requests_of_one_address_are_bounded_and_other_clients_notice_nothing() -> None:
    limits = replace(LIMITS, address_unfinished_max=3)
    async with _served(_pipeline(), limits) as served:
        held = [await served.connect(GREEDY, HALF) for _ in range(4)]
        reading = {
            asyncio.create_task(_is_refused_and_closed(reader)): number for number, (reader, _) in enumerate(held)
        }
        [refused], others = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.wait(others)
        refused.result()
        del held[reading[refused]]
        for host in (HONEST, EXEMPT):
            for reader, writer in [await served.connect(host, HALF) for _ in range(3)]:
                writer.write(b"lo")
                assert (await _reply(reader))[0] == 405
        reader, _ = await served.connect(GREEDY, GET)
        assert (await _reply(reader))[2] == b"hello"
        # One that is finished makes room for another.
        held[0][1].write(b"lo")
        assert (await _reply(held[0][0]))[0] == 405
        reader, writer = await served.connect(GREEDY, HALF)
        writer.write(b"lo")
        assert (await _reply(reader))[0] == 405


async def test_connections_of_one_address_are_bounded_with_those_of_its_streams() -> None:
    handler, stream = StreamHandler(), Stream()
    async with _served(handler, replace(LIMITS, address_connections_max=2)) as served:
        streaming = await served.connect(GREEDY, WHOLE)
        (await handler.asked()).open_stream(b"", stream)
        reader, _ = await served.connect(GREEDY, WHOLE)
        (await handler.asked()).respond(Response(200, b"", b"hello"))
        assert (await _reply(reader))[2] == b"hello"
        refused, _ = await served.connect(GREEDY, WHOLE)
        await _is_refused_and_closed(refused)
        for host in (HONEST, EXEMPT, EXEMPT, EXEMPT):
            other, _ = await served.connect(host, WHOLE)
            (await handler.asked()).respond(Response(200, b"", b"hello"))
            assert (await _reply(other))[2] == b"hello"
        stream.finish(b"")
        await streaming[0].read()
        reader, _ = await served.connect(GREEDY, WHOLE)
        (await handler.asked()).respond(Response(200, b"", b"hello"))
        assert (await _reply(reader))[2] == b"hello"


async def test_the_connections_of_a_trusted_proxy_are_not_bounded_and_its_calls_count_for_its_clients() -> None:
    addresses = Addresses(exempt=(), proxies=(ip_network(GREEDY),))
    access_control = AccessControl(limits=Limits(address=RateLimit("address", 1e-6, 2)), addresses=addresses)
    limits = replace(LIMITS, address_connections_max=1, address_unfinished_max=1)

    def named(client: str, request: bytes = GET) -> bytes:
        return request.replace(b"host", b"x-forwarded-for: 192.0.2.1, %b\r\nhost" % client.encode())

    async with _served(_pipeline(access_control), limits, addresses) as served:
        proxied = [await served.connect(GREEDY, named(f"203.0.113.{number}", HALF)) for number in range(3)]
        for reader, writer in proxied:
            writer.write(b"lo" + named("203.0.113.7"))
            assert (await _reply(reader))[0] == 405
        statuses = [(await _reply(reader))[0] for reader, _ in proxied]
        assert sorted(statuses) == [200, 200, 429]
        reader, writer = proxied[statuses.index(429)]
        writer.write(named("203.0.113.8"))
        assert (await _reply(reader))[0] == 200
        # No proxy: what it says of its address is not believed.
        reader, writer = await served.connect(HONEST)
        for number in range(3):
            writer.write(named(f"203.0.113.{number + 20}"))
        assert [(await _reply(reader))[0] for _ in range(3)] == [200, 200, 429]


async def test_an_address_that_is_refused_too_often_is_closed_and_others_are_not() -> None:
    access_control = AccessControl(limits=Limits(address=RateLimit("address", 1e-6, 1)), addresses=ADDRESSES)
    owed = REFUSALS_AT_ONCE_MAX + int(ADDRESS_REFUSALS_PER_SECOND_MAX * PAUSE_SECONDS_MAX)
    async with _served(_pipeline(access_control)) as served:
        closed = 0
        # More than are owed within a second, however long these take.
        for _ in range(4 * owed):
            reader, writer = await served.connect(GREEDY, GET)
            status, headers, _ = await _reply(reader)
            if status == 429 and headers.get("connection") == "close":
                closed += 1
                assert await reader.read() == b""
            writer.close()
        assert closed > 0
        reader, writer = await served.connect(HONEST, GET + GET)
        assert (await _reply(reader))[0] == 200
        status, headers, _ = await _reply(reader)
        assert (status, headers.get("connection")) == (429, None)


async def test_a_connection_that_is_paused_is_not_blamed_for_what_it_can_not_send() -> None:
    handler = StreamHandler()
    async with _served(handler, replace(LIMITS, send_seconds_max=0.05)) as served:
        reader, writer = await served.connect(HONEST, WHOLE + HALF)
        exchange = await handler.asked()
        exchange.pause_reading(0.3)
        exchange.respond(Response(200, b"", b"hello"))
        assert (await _reply(reader))[2] == b"hello"
        writer.write(b"lo")
        (await handler.asked()).respond(Response(200, b"", b"again"))
        assert (await _reply(reader))[2] == b"again"


async def test_unread_replies_are_bounded_in_all_and_the_longest_waiting_is_closed() -> None:
    handler = StreamHandler()
    body = b"x" * 2**23
    async with _served(handler, replace(LIMITS, unread_bytes_max=2 * len(body))) as served:
        exchanges: list[Exchange] = []
        first_lost = asyncio.Event()
        for _ in range(4):
            await served.connect(GREEDY, WHOLE)
            exchange = await handler.asked()
            if not exchanges:
                exchange.on_lost = first_lost.set
            exchanges.append(exchange)
            # More than the kernel takes: the rest waits in this process.
            exchange.begin(200, b"content-length: %d\r\n" % len(body))
            exchange.write(body)
        await first_lost.wait()
        assert [exchange.is_lost for exchange in exchanges][-2:] == [False, False]


async def test_the_unread_events_of_streams_are_bounded_with_the_replies() -> None:
    handler = StreamHandler()
    async with _served(handler, replace(LIMITS, unread_bytes_max=2 * STREAM_BUFFER_BYTES_MAX)) as served:
        streams = [Stream() for _ in range(3)]
        for stream in streams:
            await served.send_and_read_nothing(GREEDY, WHOLE)
            (await handler.asked()).open_stream(b"", stream)
            # More than the kernel takes.
            while not stream.is_full:
                stream.transport.write(chunk(b"x" * 65_536))
        assert not await streams[0].drained()
        assert [stream.is_open for stream in streams] == [False, True, True]


async def test_connections_that_are_refused_or_cut_are_counted_by_reason() -> None:
    addresses = Addresses(exempt=())
    access_control = AccessControl(addresses=addresses)
    limits = replace(LIMITS, address_connections_max=3, address_unfinished_max=1, unread_bytes_max=1)
    handler = StreamHandler()
    async with _served(handler, limits, addresses) as served:
        await served.send_and_read_nothing(GREEDY, WHOLE)
        exchange, lost = await handler.asked(), asyncio.Event()
        exchange.on_lost = lost.set
        exchange.begin(200, b"content-length: %d\r\n" % 2**23)
        exchange.write(b"x" * 2**23)
        await lost.wait()
        halves = [(await served.connect(OTHER, HALF))[0] for _ in range(2)]
        reading = [asyncio.create_task(_is_refused_and_closed(reader)) for reader in halves]
        _, held = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
        for task in held:
            task.cancel()
        for _ in range(3):
            await served.connect(HONEST, GET)
            await handler.asked()
        await _is_refused_and_closed((await served.connect(HONEST, GET))[0])
    [refusals] = await access_control.source()
    counts = {sample.labels["reason"]: sample.value for sample in refusals.samples}
    assert {reason: counts[reason] for reason in addresses.refused} == {
        "connections": 0, "address_connections": 1, "unfinished": 1, "unread": 1,
    }  # fmt: skip


class CountingKey(OneKey):
    """A key that counts how often it is asked for."""

    asked = 0

    async def candidates(self, key_id: str | None) -> Sequence[Key]:
        """See TokenKeys.candidates."""
        self.asked += 1
        return await super().candidates(key_id)


async def test_a_token_is_verified_only_where_a_route_asks_who_calls() -> None:
    key, forger = SigningKey("only"), SigningKey("only")
    keys = CountingKey(public_key_of(key.pem))
    verifier = TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, algorithms=("ES256",))
    async with _served(_pipeline(AccessControl(verifier, addresses=ADDRESSES))) as served:

        async def status(path: str, signing: SigningKey) -> int:
            token = signing.sign(sub="3f0c1c5e-0d3b-4c5e-9f1e-3f0c1c5e0d3b")
            request = GET.replace(b"/page", path.encode()).replace(
                b"host", b"authorization: Bearer %b\r\nhost" % token.encode()
            )
            reader, _ = await served.connect(HONEST, request)
            return (await _reply(reader))[0]

        assert [await status(path, forger) for path in ("/page", "/x")] == [200, 404]
        assert keys.asked == 0
        assert [await status("/whose", each) for each in (forger, key)] == [200, 200]
        assert keys.asked == 2


async def test_a_server_in_trusted_mode_answers_to_its_names_alone() -> None:
    access_control = AccessControl(addresses=ADDRESSES, hosts=HostNames(["house.example"]))
    async with _served(_pipeline(access_control)) as served:
        for host, status in ((b"evil.example", 421), (b"localhost:8080", 200), (b"house.example", 200)):
            reader, _ = await served.connect(HONEST, GET.replace(b"gavel", host))
            assert (await _reply(reader))[0] == status
