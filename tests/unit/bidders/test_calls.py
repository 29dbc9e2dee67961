"""Which replies are refusals, which are reasons to ask again, and how long to wait before."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.contracts.bids.v1.bid_service_pb import BidRejected
from gavel_tools.bidders.calls import (
    BACKOFF_SECONDS_MAX,
    RETRY_AFTER_SECONDS_MAX,
    Failed,
    NoAnswer,
    Refused,
    backoff_seconds,
    no_of,
)
from gavel_tools.bidders.http_connection import HttpReply

TOO_LOW = BidRejected(reason=BidRejected.Reason.TOO_LOW, current_highest_bid=1_000, minimum_next_bid=1_050)


def reply(status: int, value: object, retry_after: str = "") -> HttpReply:
    return HttpReply(status, retry_after, json.dumps(value).encode())


def rejected(detail: BidRejected, code: str = "failed_precondition", **more: object) -> dict[str, object]:
    value = b64encode(detail.to_binary()).decode().rstrip("=")
    other = {"type": "google.rpc.Help", "value": "AAAA"}
    return {"code": code, "message": "no", "details": [other, {"type": "bids.v1.BidRejected", "value": value} | more]}


@pytest.mark.parametrize("code", ["failed_precondition", "permission_denied"])
@pytest.mark.parametrize("more", [{}, {"debug": {"reason": "REASON_TOO_LOW"}}], ids=["value alone", "with debug"])
def test_a_refusal_is_read_from_its_detail_among_others(code: str, more: dict[str, object]) -> None:
    assert no_of(reply(400, rejected(TOO_LOW, code, **more))) == Refused(TOO_LOW)


@pytest.mark.parametrize("code", ["unavailable", "deadline_exceeded"])
def test_what_may_have_been_done_is_asked_again_and_stays_in_doubt(code: str) -> None:
    assert no_of(reply(503, {"code": code, "message": "later"})) == NoAnswer(code, "later", maybe_done=True)


def test_a_full_queue_is_asked_again_and_has_done_nothing() -> None:
    no = no_of(reply(429, {"code": "resource_exhausted", "message": "full"}, retry_after="2"))
    assert no == NoAnswer("resource_exhausted", "full", maybe_done=False, retry_after_seconds=2.0)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b"[]", b"null"])
def test_a_proxys_own_error_is_a_reason_to_ask_again(status: int, body: bytes) -> None:
    assert no_of(HttpReply(status, "", body)) == NoAnswer("unavailable", f"HTTP {status}")


@pytest.mark.parametrize(("retry_after", "seconds"), [("", 0.0), ("7", 7.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)])
def test_only_a_retry_after_in_seconds_counts(retry_after: str, seconds: float) -> None:
    no = no_of(reply(503, {"code": "unavailable"}, retry_after))
    assert isinstance(no, NoAnswer)
    assert no.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("code", "maybe_done"),
    [
        ("invalid_argument", False),
        ("not_found", False),
        ("already_exists", False),
        ("unimplemented", False),
        ("failed_precondition", False),
        ("internal", True),
        ("unknown", True),
        ("canceled", True),
    ],
)
def test_other_errors_are_failures_that_are_not_asked_again(code: str, maybe_done: bool) -> None:
    no = no_of(reply(500, {"code": code, "message": "what it said"}))
    assert no == Failed(code, "what it said")
    assert isinstance(no, Failed)
    assert no.maybe_done is maybe_done


def test_a_page_that_is_not_gavels_is_unimplemented() -> None:
    assert no_of(HttpReply(404, "", b"<html>")) == Failed("unimplemented", "HTTP 404")


@given(attempt=st.integers(0, 200), retry_after=st.floats(0, 1e9), jitter=st.floats(0, 1))
def test_backoff_is_bounded_and_honours_what_the_server_asked_for(
    attempt: int, retry_after: float, jitter: float
) -> None:
    seconds = backoff_seconds(attempt, retry_after, jitter)
    assert min(retry_after, RETRY_AFTER_SECONDS_MAX) <= seconds
    assert 0 < seconds <= max(BACKOFF_SECONDS_MAX, 1.1 * RETRY_AFTER_SECONDS_MAX)


def test_backoff_doubles_and_jitter_halves_it_at_most() -> None:
    assert [backoff_seconds(attempt, 0, 0) for attempt in range(4)] == [0.05, 0.1, 0.2, 0.4]
    assert backoff_seconds(3, 0, 1) == 0.2
    assert backoff_seconds(50, 0, 0) == BACKOFF_SECONDS_MAX
