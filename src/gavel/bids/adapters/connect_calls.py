"""What a call brings with it besides its message."""

import asyncio
from dataclasses import dataclass
from typing import Any

from connectrpc.request import RequestContext

from gavel.bids.ports import Call
from gavel.runtime.connect import call_seconds, valid_traceparent

Context = RequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the headers of a request say: where it comes from, how long its caller waits, and its key."""

    call: Call
    idempotency_key: str = ""


def metadata_of(ctx: Context) -> Metadata:
    """The metadata of a call that Connect has taken."""
    headers = ctx.request_headers
    deadline_seconds = asyncio.get_running_loop().time() + call_seconds(ctx)
    call = Call(deadline_seconds, valid_traceparent(headers.get("traceparent") or ""))
    return Metadata(call, headers.get("idempotency-key") or "")
