"""Which pages may read a reply: those of the origins that are listed."""

import httpx
import pytest

from gavel.runtime.cors import allowing
from gavel.runtime.door import CallRule, Door, Limits
from gavel.runtime.health import send_json
from gavel.runtime.rate_limits import RateLimit
from gavel.runtime.serve import Receive, Scope, Send

LISTED, OTHER = "https://app.example", "https://evil.example"


async def _app(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send_json(send, 200, {"inside": True})


async def _ask(method: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(allowing([LISTED], _app))
    async with httpx.AsyncClient(transport=transport, base_url="http://gavel") as client:
        return await client.request(
            method, "/x", headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


async def test_a_listed_origin_may_read_replies_and_is_told_so_ahead() -> None:
    reply = await _ask("POST", origin=LISTED)
    assert (reply.json(), reply.headers["access-control-allow-origin"]) == ({"inside": True}, LISTED)
    ahead = await _ask("OPTIONS", origin=LISTED, access_control_request_method="POST")
    assert (ahead.status_code, ahead.content) == (204, b"")
    assert "authorization" in ahead.headers["access-control-allow-headers"]


async def test_a_refusal_of_the_door_may_be_read_with_the_time_after_which_to_come_back() -> None:
    door = Door(None, limits=Limits(address=RateLimit("address", 0.001, 1)), cors_origins=[LISTED])
    app = door.before(_app, {"/x": CallRule(public_read=True)})
    transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gavel", headers={"origin": LISTED}) as client:
        replies = [await client.post("/x", json={}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] == LISTED
        assert reply.headers["access-control-expose-headers"] == "retry-after"
    assert int(replies[1].headers["retry-after"]) >= 1


@pytest.mark.parametrize("origin", [OTHER, "null", LISTED + ".evil.example"])
async def test_another_origin_is_told_nothing(origin: str) -> None:
    for method in ("POST", "OPTIONS"):
        reply = await _ask(method, origin=origin, access_control_request_method="POST")
        assert not [name for name in reply.headers if name.startswith("access-control")]
