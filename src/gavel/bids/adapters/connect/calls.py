"""What a call brings with it besides its message."""

import asyncio
from dataclasses import dataclass
from typing import Any

from connectrpc.request import RequestContext

from gavel.bids.ports.book import Call
from gavel.runtime.http.connect import call_seconds
from gavel.runtime.telemetry.request_context import current_request

Context = RequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the headers of a request say: where it comes from, how long its caller waits, and its key."""

    call: Call
    idempotency_key: str = ""


def metadata_of(ctx: Context) -> Metadata:
    """The metadata of a call that Connect has taken."""
    deadline_seconds = asyncio.get_running_loop().time() + call_seconds(ctx)
    request = current_request()
    call = Call(deadline_seconds, "" if request is None else request.traceparent)
    return Metadata(call, ctx.request_headers.get("idempotency-key") or "")
