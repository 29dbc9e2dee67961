"""HTTP/1.1 requests as bytes, sent in one piece or in many, and the responses to them."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

Address = tuple[str, int]

# The server is on the loop of the test: these are its turns to read a piece before the next one is sent.
TURNS = 3


class Reply(NamedTuple):
    """A response: status, header fields by name in lower case, and the body without its framing."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        return json.loads(self.body)


def post(path: str, body: bytes, content_type: str, *headers: bytes, version: bytes = b"1.1") -> bytes:
    """A POST with a Content-Length. `headers` are whole lines without their end."""
    return head(path, content_type, b"content-length: %d" % len(body), *headers, version=version) + body


def post_chunked(path: str, body: bytes, content_type: str, *headers: bytes, sizes: Sequence[int] = ()) -> bytes:
    """A POST in chunks of these sizes; the last one has the rest."""
    return head(path, content_type, b"transfer-encoding: chunked", *headers) + chunked(body, sizes)


def head(path: str, content_type: str, *headers: bytes, version: bytes = b"1.1") -> bytes:
    """The head of a POST with the empty line."""
    fields = [b"host: localhost", b"content-type: %b" % content_type.encode(), *headers]
    return b"\r\n".join([b"POST %b HTTP/%b" % (path.encode(), version), *fields, b"", b""])


def chunked(body: bytes, sizes: Sequence[int] = ()) -> bytes:
    """A body in chunks."""
    data = b""
    for size in (*sizes, len(body)):
        part, body = body[:size], body[size:]
        data += b"%x\r\n%b\r\n" % (len(part), part) if part else b""
    return data + b"0\r\n\r\n"


def last_request(path: str = "/livez") -> bytes:
    """A GET behind whose response the server closes."""
    return b"GET %b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n" % path.encode()


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut bytes at these places, which rise."""
    inner = list(places)
    return [data[begin:end] for begin, end in zip((0, *inner), (*inner, len(data)), strict=True)]


async def replies_to(address: Address, pieces: Iterable[bytes], *, half_close: bool = False) -> list[Reply]:
    """Send pieces, each once the server could read the one before, and return the replies until the server closes."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        # A server that has refused a request may have closed before the last piece is sent.
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            if half_close:
                writer.write_eof()
        return replies_in(await reader.read())
    finally:
        writer.close()


def replies_in(data: bytes) -> list[Reply]:
    """Parse responses, none of which may be to HEAD. Raises AssertionError if they end inside of one."""
    replies: list[Reply] = []
    while data:
        text, end, data = data.partition(b"\r\n\r\n")
        assert end, f"a head without an end: {text!r}"
        lines = text.decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), lines[0]
        fields = dict(line.split(": ", 1) for line in lines[1:])
        status = int(lines[0].split(" ")[1])
        if status == 100:
            body = b""
        elif fields.get("transfer-encoding") == "chunked":
            body, data = _unchunked(data)
        else:
            length = int(fields["content-length"])
            body, data = data[:length], data[length:]
            assert len(body) == length
        replies.append(Reply(status, fields, body))
    return replies


def _unchunked(data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, end, data = data.partition(b"\r\n")
        assert end
        length = int(size, 16)
        body, data = body + data[:length], data[length + 2 :]
        if not length:
            return body, data
