"""Table that maps the write side's exceptions to Connect errors."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.bids.domain.refusals import (
    BidRefusal,
    BidRefused,
    ChangeRefused,
    InvalidInput,
    ItemNotFound,
    KeyReused,
    NotTheSeller,
)
from gavel.bids.ports.book import DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.feed import FeedStopping, StreamDeadline, WatcherTooSlow
from gavel.contracts.bids.v1.bid_service_pb import BidRejected
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.connect.page_tokens import PageTokenInvalid
from gavel.runtime.timestamps import timestamp

UNAVAILABLE_RETRY_AFTER_SECONDS = 1.0
RESUME_AFTER_SECONDS = 1.0

_REASONS = {
    BidRefusal.TOO_LOW: BidRejected.Reason.TOO_LOW,
    BidRefusal.NOT_STARTED: BidRejected.Reason.NOT_STARTED,
    BidRefusal.ENDED: BidRejected.Reason.ENDED,
    BidRefusal.CANCELLED: BidRejected.Reason.CANCELLED,
    BidRefusal.SELLER: BidRejected.Reason.SELLER,
    BidRefusal.ALREADY_LEADING: BidRejected.Reason.ALREADY_LEADING,
    BidRefusal.BUY_NOW_UNAVAILABLE: BidRejected.Reason.BUY_NOW_UNAVAILABLE,
}


def _bid_refused(refusal: BidRefused) -> ConnectError:
    code = Code.PERMISSION_DENIED if refusal.reason is BidRefusal.SELLER else Code.FAILED_PRECONDITION
    detail = BidRejected(
        reason=_REASONS[refusal.reason],
        current_highest_bid=refusal.current_highest_bid,
        minimum_next_bid=refusal.minimum_next_bid,
        end_at=timestamp(refusal.end_at),
        server_time=timestamp(refusal.at),
    )
    return ConnectError(code, str(refusal), [detail])


def _no_answer_in_time(_: Exception, then: str = "try again") -> ConnectError:
    return ConnectError(Code.DEADLINE_EXCEEDED, f"no answer in time: {then}")


def _unavailable(error: Exception, then: str = "try again") -> ConnectError:
    return RetryLater(Code.UNAVAILABLE, f"{error}: {then}", UNAVAILABLE_RETRY_AFTER_SECONDS)


_TABLE: dict[type[Exception], Callable[[Any], ConnectError]] = {
    BidRefused: _bid_refused,
    InvalidInput: lambda error: ConnectError(Code.INVALID_ARGUMENT, str(error)),
    PageTokenInvalid: lambda _: ConnectError(Code.INVALID_ARGUMENT, "page_token: only as it was given, for this list"),
    ItemNotFound: lambda error: ConnectError(Code.NOT_FOUND, str(error)),
    NotTheSeller: lambda error: ConnectError(Code.PERMISSION_DENIED, str(error)),
    ChangeRefused: lambda error: ConnectError(Code.FAILED_PRECONDITION, str(error)),
    KeyReused: lambda error: ConnectError(Code.ALREADY_EXISTS, str(error)),
    DeadlineExceeded: _no_answer_in_time,
    TimeoutError: _no_answer_in_time,
    Overloaded: lambda error: RetryLater(Code.RESOURCE_EXHAUSTED, str(error), error.retry_after_seconds),
    WatcherTooSlow: lambda _: RetryLater(
        Code.RESOURCE_EXHAUSTED, "you do not read what you are sent: resume after the last seq", RESUME_AFTER_SECONDS
    ),
    FeedStopping: lambda _: RetryLater(
        Code.UNAVAILABLE, "the server is stopping: come back, and resume after the last seq", RESUME_AFTER_SECONDS
    ),
    StreamDeadline: lambda _: ConnectError(Code.DEADLINE_EXCEEDED, "the time that you asked for is over"),
    Unavailable: _unavailable,
}


def connect_error(error: Exception) -> ConnectError | None:
    """Map an exception of the write side to a Connect error; None for one that is a bug."""
    to_connect = _TABLE.get(type(error))
    return None if to_connect is None else to_connect(error)


def unanswered(error: Exception, idempotency_key: str) -> Exception:
    """The error of a command that is not idempotent without a key; one without an answer says how to try again."""
    then = "retry with the same key" if idempotency_key else "see whether it was done before you try again"
    match error:
        case Unavailable():
            return _unavailable(error, then)
        case DeadlineExceeded():
            return _no_answer_in_time(error, then)
        case _:
            return error


@contextmanager
def saying_how_to_retry(idempotency_key: str) -> Generator[None]:
    """Replace what is raised inside the context as `unanswered` does."""
    try:
        yield
    except (Unavailable, DeadlineExceeded) as error:
        raise unanswered(error, idempotency_key) from error
