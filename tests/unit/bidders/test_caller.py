"""Asking again: the same request with the same key, until there is an answer or enough was tried."""

import json

import pytest

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from gavel_tools.bidders import calls
from gavel_tools.bidders.calls import PLACE_BID, Caller, Failed, NoAnswer, Refused
from gavel_tools.bidders.http_connection import address_of
from gavel_tools.bidders.tally import CallTally
from tests.unit.bidders.scripted_server import HANG_UP, ScriptedServer, ok, scripted_server

BID = PlaceBidRequest(item_id="sextant", user_id="ann", amount=15_000, idempotency_key="bid-1")
ACCEPTED = ok(b'{"bid": {"id": "1", "seq": "2", "amount": "15000"}, "currentHighestBid": "15000", "new": {}}')
AWAY = ok(b'{"code": "unavailable", "message": "away"}', status="503 Service Unavailable")
FULL = ok(b'{"code": "resource_exhausted", "message": "full"}', status="429 Too Many Requests")
REFUSED = ok(
    b'{"code": "failed_precondition", "details": [{"type": "bids.v1.BidRejected", "value": "CAE"}]}',
    status="400 Bad Request",
)


async def insist(server: ScriptedServer, tally: CallTally) -> tuple[object, bool]:
    caller = Caller(address_of(server.url), tally)
    try:
        return await caller.insist(PLACE_BID, BID)
    finally:
        caller.close()


async def test_a_bid_is_asked_again_with_its_key_until_it_is_answered() -> None:
    tally = CallTally()
    async with scripted_server(AWAY, HANG_UP, FULL, ACCEPTED) as server:
        answer, doubtful = await insist(server, tally)
    assert isinstance(answer, PlaceBidResponse)
    assert answer.bid is not None
    assert (answer.bid.id, answer.bid.seq, answer.current_highest_bid) == ("1", 2, 15_000)
    assert doubtful
    assert {json.loads(body)["idempotencyKey"] for body in server.bodies} == {"bid-1"}
    assert len(set(server.bodies)) == 1
    assert tally.no_answers == {"unavailable": 1, "connection_lost": 1, "resource_exhausted": 1}
    assert tally.latencies.buckets.total() == 3


async def test_a_refusal_at_last_leaves_the_lost_answer_in_doubt() -> None:
    async with scripted_server(HANG_UP, REFUSED) as server:
        answer, doubtful = await insist(server, CallTally())
    assert isinstance(answer, Refused)
    assert doubtful


@pytest.mark.parametrize("script", [[REFUSED], [FULL, REFUSED]], ids=["at once", "after a full queue"])
async def test_a_refusal_before_which_nothing_was_done_leaves_no_doubt(script: list[bytes]) -> None:
    async with scripted_server(*script) as server:
        answer, doubtful = await insist(server, CallTally())
    assert isinstance(answer, Refused)
    assert not doubtful


async def test_asking_again_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "ATTEMPTS_MAX", 3)
    async with scripted_server(*[AWAY] * 10) as server:
        answer, doubtful = await insist(server, CallTally())
    assert answer == NoAnswer("unavailable", "away")
    assert doubtful
    assert len(server.bodies) == 3


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"bid": 7}', b"[]"])
async def test_an_answer_that_cannot_be_read_is_a_failure_in_doubt(body: bytes) -> None:
    async with scripted_server(ok(body)) as server:
        answer, _ = await insist(server, CallTally())
    assert isinstance(answer, Failed)
    assert (answer.code, answer.maybe_done) == ("unreadable", True)
