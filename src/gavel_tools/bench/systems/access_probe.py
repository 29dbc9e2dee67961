"""Cost of access control for a call whose token was seen before, alone, in this process."""

import asyncio
import time
from collections.abc import Sequence

from gavel.cli.token import Minter
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.authentication.token_keys import OneKey, public_key_of
from gavel.runtime.http.authentication.tokens import TokenVerifier
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connection import HttpConnection
from gavel.runtime.http.exchange import Exchange
from gavel.runtime.http.load_shedding import Priority
from gavel.runtime.http.request_limits import RequestLimits
from gavel.runtime.http.request_parser import Head
from gavel.runtime.http.routes import Access, NoPage, Pipeline, Routes
from gavel.runtime.http.server import HttpServer
from gavel_tools.bench.case import MeasurementFailed

PATH = "/bids.v1.BidService/PlaceBid"
CALLS = 2_000
# The least of so many tries: noise of the machine can only add to it.
TRIES = 15

# As a bid's request has them, with and without a token.
_HEADERS = ((b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"120"))


class _Nothing(NoPage):
    """A route with the access of PlaceBid."""

    access = Access(role="bidder", priority=Priority.URGENT)


def known_token_us(minter: Minter, token: str) -> float:
    """Microseconds of CPU that a call takes more with a token that was seen before, against trusted mode."""
    key = public_key_of(minter.public_key_path.read_bytes())
    verifier = TokenVerifier(OneKey(key), issuer=minter.issuer, audience=minter.audience, algorithms=("EdDSA",))
    signed = (*_HEADERS, (b"authorization", f"Bearer {token}".encode()))
    sides = ((AccessControl(verifier), signed), (AccessControl(None), _HEADERS))
    # In turn, so that noise of the machine affects both.
    known_us, trusted_us = zip(*([asyncio.run(_call_us(*each)) for each in sides] for _ in range(TRIES)), strict=True)
    return min(known_us) - min(trusted_us)


async def _call_us(access_control: AccessControl, headers: Sequence[tuple[bytes, bytes]]) -> float:
    routes, let_in = Routes({PATH: _Nothing()}), 0
    connection = HttpConnection(HttpServer(Pipeline(routes, access_control), RequestLimits(), None))
    head = Head(b"POST", PATH.encode(), "1.1", list(headers), keep_alive=True)
    began_seconds = time.thread_time()
    for _ in range(CALLS):
        call = Call(Exchange(connection, head), routes.find(PATH))
        access_control.admit(call)
        if call.principal is None:
            await access_control.authenticate(call)
        let_in += call.principal is not None
    took_us = (time.thread_time() - began_seconds) / CALLS * 1e6
    if let_in != CALLS:
        raise MeasurementFailed(f"access control admitted {let_in} of {CALLS} calls")
    return took_us
