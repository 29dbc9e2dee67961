"""`python -m gavel_tools.bench.systems.ceiling_server`: a bare uvicorn, whose rate is the HTTP ceiling of the machine.

It reads the body of a request, whatever it is, and answers fixed JSON of the size of a reply to PlaceBid. It does
without an access log. Nothing of Gavel's own HTTP server is imported.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn

# 370 bytes, as a reply to PlaceBid has.
REPLY = b'{"bid":"%s"}' % (b"x" * 360)
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REPLY))]


async def answer(
    _scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Mapping[str, Any]]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Read a request to its end and answer 200 with REPLY: an ASGI application."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": REPLY})


if __name__ == "__main__":
    uvicorn.run(
        answer,
        host=os.environ["HTTP_HOST"],
        port=int(os.environ["HTTP_PORT"]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
