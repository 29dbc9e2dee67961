"""Cost of access control for a call whose token was seen before, alone, in this process."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from gavel.bids.adapters.connect.access_rules import CALL_RULES
from gavel.cli.token import Minter
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.authentication.token_keys import OneKey, public_key_of
from gavel.runtime.http.authentication.tokens import TokenVerifier
from gavel.runtime.http.server import Receive, Scope, Send
from gavel_tools.bench.case import MeasurementFailed

PATH = "/bids.v1.BidService/PlaceBid"
CALLS = 2_000
# The least of so many tries: noise of the machine can only add to it.
TRIES = 15

# As a bid's request has them, with and without a token.
_HEADERS = ((b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", b"120"))


def known_token_us(minter: Minter, token: str) -> float:
    """Microseconds of CPU that a call takes more with a token that was seen before, against trusted mode."""
    key = public_key_of(minter.public_key_path.read_bytes())
    verifier = TokenVerifier(OneKey(key), issuer=minter.issuer, audience=minter.audience, algorithms=("EdDSA",))
    signed = (*_HEADERS, (b"authorization", f"Bearer {token}".encode()))
    cases = ((AccessControl(verifier), signed), (AccessControl(None), _HEADERS))
    # In turn, so that noise of the machine affects both.
    known_us, trusted_us = zip(*([asyncio.run(_call_us(*each)) for each in cases] for _ in range(TRIES)), strict=True)
    return min(known_us) - min(trusted_us)


async def _call_us(access_control: AccessControl, headers: Sequence[tuple[bytes, bytes]]) -> float:
    inside = Counter[str]()

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        inside[scope["path"]] += 1

    async def receive() -> Mapping[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: Mapping[str, object]) -> None:
        raise MeasurementFailed(f"access control refused a call: {message}")

    guarded = access_control.before(app, CALL_RULES)
    began_seconds = time.thread_time()
    for _ in range(CALLS):
        scope = {"type": "http", "path": PATH, "method": "POST", "headers": headers, "client": ("127.0.0.1", 1)}
        await guarded(scope, receive, send)
    took_us = (time.thread_time() - began_seconds) / CALLS * 1e6
    if inside[PATH] != CALLS:
        raise MeasurementFailed(f"access control let in {inside[PATH]} of {CALLS} calls")
    return took_us
