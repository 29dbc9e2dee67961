"""The thin path: PlaceBid's plain case, answered without the machinery that it does not need.

Plain is a POST of JSON or binary Protobuf, complete in one piece, uncompressed, without a timeout of its own. All
else falls through to the full application. Both share the handler, its checks and the table of errors, and pass the
same tests; the thin path takes about half the CPU of a call (see docs/decisions).
"""

import asyncio
from collections.abc import Iterable

from gavel.bids.adapters.connect_api import BidApi
from gavel.bids.adapters.connect_calls import Metadata
from gavel.bids.adapters.connect_errors import connect_error
from gavel.bids.ports import Call
from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest
from gavel.runtime.call_figures import OK
from gavel.runtime.connect import (
    CALL_SECONDS_MAX,
    JSON_CODEC,
    PROTO_CODEC,
    REQUEST_BYTES_MAX,
    connect_error_of,
    error_reply,
    valid_traceparent,
)
from gavel.runtime.serve import Asgi, Message, Receive, Scope, Send

METHOD = "PlaceBid"
PATH = f"/bids.v1.BidService/{METHOD}"

_CODECS = {b"application/json": JSON_CODEC, b"application/proto": PROTO_CODEC}
# Headers that ask for more than the plain case.
_NOT_PLAIN = frozenset((b"content-encoding", b"connect-timeout-ms", b"connect-protocol-version"))


def thin_place_bid(api: BidApi, full: Asgi) -> Asgi:
    """An application that answers the plain case of PlaceBid, and leaves all else to `full`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        plain = _plain(scope["headers"]) if scope["path"] == PATH and scope["method"] == "POST" else None
        if plain is None:
            await full(scope, receive, send)
            return
        first = await receive()
        if first["type"] != "http.request" or first.get("more_body") or len(first["body"]) > REQUEST_BYTES_MAX:
            await full(scope, _again(first, receive), send)
            return
        await _reply(send, await _answer(api, first["body"], *plain))

    return app


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, Metadata] | None:
    """The content type of a plain request, and what its headers say; None for one that is not plain."""
    content_type, key, traceparent = b"", b"", b""
    for name, value in headers:
        if name == b"content-type":
            content_type = value
        elif name == b"idempotency-key":
            key = value
        elif name == b"traceparent":
            traceparent = value
        elif name in _NOT_PLAIN and not (name == b"connect-protocol-version" and value == b"1"):
            return None
    if content_type not in _CODECS:
        return None
    deadline_seconds = asyncio.get_running_loop().time() + CALL_SECONDS_MAX
    call = Call(deadline_seconds, valid_traceparent(traceparent.decode("latin-1")) if traceparent else "")
    return content_type, Metadata(call, key.decode("latin-1"))


async def _answer(
    api: BidApi, body: bytes, content_type: bytes, metadata: Metadata
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    loop = asyncio.get_running_loop()
    started_seconds = loop.time()
    try:
        codec = _CODECS[content_type]
        response = await api.answer_bid(codec.decode(body, PlaceBidRequest), metadata)
        encoded = codec.encode(response)
    except Exception as error:  # noqa: BLE001 - every exception is told by the table, or as internal
        told = connect_error_of(error, connect_error, METHOD)
        api.calls.observe(METHOD, told.code.value, loop.time() - started_seconds)
        return error_reply(told)
    api.calls.observe(METHOD, OK, loop.time() - started_seconds)
    return 200, [(b"content-type", content_type), (b"content-length", b"%d" % len(encoded))], encoded


async def _reply(send: Send, reply: tuple[int, list[tuple[bytes, bytes]], bytes]) -> None:
    status, headers, body = reply
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _again(first: Message, receive: Receive) -> Receive:
    """A receive that hands out a message that was taken already, then goes on."""
    waiting = [first]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
