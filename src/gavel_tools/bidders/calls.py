"""Connect's unary calls as JSON over HTTP, and the three kinds of negative answer."""

import json
from asyncio import get_running_loop, sleep
from base64 import b64decode
from dataclasses import dataclass
from random import random
from typing import Any, Generic, TypeVar, cast

from protobuf import Message

from gavel.contracts.bids.v1 import bid_service_pb as bids
from gavel.contracts.userstats.v1 import user_stats_service_pb as userstats
from gavel_tools.bidders.http_connection import Address, BrokenReply, HttpConnection, HttpReply
from gavel_tools.bidders.tally import CallTally

CALL_SECONDS_MAX = 5.0
# Some 10 s in all while nothing listens: a server that is started again is back by then.
ATTEMPTS_MAX = 12
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_SECONDS_MAX = 2.0
RETRY_AFTER_SECONDS_MAX = 10.0

_TRANSIENT = {"unavailable", "deadline_exceeded", "resource_exhausted"}
# The codes that guarantee that nothing was done.
_DEFINITE = {
    "invalid_argument",
    "not_found",
    "already_exists",
    "permission_denied",
    "unauthenticated",
    "failed_precondition",
    "out_of_range",
    "unimplemented",
}
# The Connect protocol, "HTTP to Error Code": what a reply means that is not Connect's own, such as a proxy's.
_CODE_BY_STATUS = {
    400: "internal",
    401: "unauthenticated",
    403: "permission_denied",
    404: "unimplemented",
    429: "unavailable",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}

Answer = TypeVar("Answer", bound=Message[Any])


@dataclass(frozen=True, slots=True)
class Method(Generic[Answer]):
    """A procedure of the contract, and the message that answers it."""

    path: str
    answer: type[Answer]


PLACE_BID = Method("/bids.v1.BidService/PlaceBid", bids.PlaceBidResponse)
BUY_NOW = Method("/bids.v1.BidService/BuyNow", bids.BuyNowResponse)
CREATE_ITEM = Method("/bids.v1.BidService/CreateItem", bids.CreateItemResponse)
GET_ITEM = Method("/bids.v1.BidService/GetItem", bids.GetItemResponse)
GET_ITEM_BIDS = Method("/bids.v1.BidService/GetItemBids", bids.GetItemBidsResponse)
LIST_ITEMS = Method("/bids.v1.BidService/ListItems", bids.ListItemsResponse)
GET_USER_STATS = Method("/userstats.v1.UserStatsService/GetUserStats", userstats.GetUserStatsResponse)


@dataclass(frozen=True, slots=True)
class Refused:
    """A bid that the rules refuse, with the facts to bid again by."""

    detail: bids.BidRejected


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing was decided as far as the caller knows: the same request with the same key is the thing to do.

    `maybe_done`: it may have been done all the same. `retry_after_seconds` 0: the server named no time.
    """

    kind: str
    text: str
    maybe_done: bool = True
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """Any other error: a code of Connect's, and what the server said with it."""

    code: str
    text: str

    @property
    def maybe_done(self) -> bool:
        """Whether the request may have been carried out all the same."""
        return self.code not in _DEFINITE


No = Refused | NoAnswer | Failed


def no_of(reply: HttpReply) -> No:
    """What a reply other than 200 means: a refusal, a reason to ask again, or a failure."""
    code, text, details = _connect_error(reply)
    if code in _TRANSIENT:
        return NoAnswer(code, text, code != "resource_exhausted", _seconds_of(reply.retry_after))
    for detail in details:
        if detail.get("type") == bids.BidRejected.desc().type_name:
            # `debug` says the same, but only `value` is promised by the protocol; its padding is left out.
            value = str(detail.get("value", ""))
            return Refused(bids.BidRejected.from_binary(b64decode(value + "=" * (-len(value) % 4))))
    return Failed(code, text)


def backoff_seconds(attempt: int, retry_after_seconds: float, jitter: float) -> float:
    """How long to wait after attempt 0, 1, 2 ...: doubling up to a bound, and never less than the server asked for.

    `jitter` is 0 to 1. It shortens the backoff by up to a half, and stretches what the server asked for by up to a
    tenth, so that a crowd does not come back at one moment.
    """
    own = min(BACKOFF_FIRST_SECONDS * 2.0**attempt, BACKOFF_SECONDS_MAX) * (1.0 - jitter / 2)
    asked = min(retry_after_seconds, RETRY_AFTER_SECONDS_MAX) * (1.0 + jitter / 10)
    return max(own, asked)


class Caller:
    """Calls one server over one connection, one call at a time, and counts how that goes."""

    def __init__(self, address: Address, tally: CallTally, token: str = "") -> None:
        self._connection = HttpConnection(address, token)
        self._tally = tally

    async def call(self, method: Method[Answer], request: Message[Any]) -> Answer | No:
        """Ask once."""
        begun = get_running_loop().time()
        try:
            reply = await self._connection.post(method.path, request.to_json().encode(), CALL_SECONDS_MAX)
        except TimeoutError:
            return self._tally_no(NoAnswer("timeout", f"no answer within {CALL_SECONDS_MAX:g} s"))
        except ConnectionRefusedError as error:
            return self._tally_no(NoAnswer("connection_refused", str(error), maybe_done=False))
        except (OSError, BrokenReply) as error:
            return self._tally_no(NoAnswer("connection_lost", str(error)))
        self._tally.latencies.add(get_running_loop().time() - begun)
        try:
            if reply.status != 200:
                return self._tally_no(no_of(reply))
            return method.answer.from_json(reply.body, ignore_unknown_fields=True)
        except Exception as error:  # noqa: BLE001 - the parsers promise no exception of their own
            return Failed("unreadable", f"{method.path}: {error}")

    async def insist(self, method: Method[Answer], request: Message[Any]) -> tuple[Answer | No, bool]:
        """Retry until there is an answer, ATTEMPTS_MAX times at most, always for the same with the same key.

        Returns the last answer, and whether an attempt before it may have been carried out unseen.
        """
        doubtful, attempt = False, 0
        while True:
            answer = await self.call(method, request)
            if not isinstance(answer, NoAnswer):
                return answer, doubtful
            doubtful = doubtful or answer.maybe_done
            if attempt + 1 == ATTEMPTS_MAX:
                return answer, doubtful
            await sleep(backoff_seconds(attempt, answer.retry_after_seconds, random()))
            attempt += 1

    def close(self) -> None:
        """Cut the connection."""
        self._connection.close()

    def _tally_no(self, no: No) -> No:
        if isinstance(no, NoAnswer):
            self._tally.no_answers[no.kind] += 1
        return no


def _connect_error(reply: HttpReply) -> tuple[str, str, list[dict[str, Any]]]:
    """Code, message and details of an error reply; what its status means where the body is not Connect's."""
    code = _CODE_BY_STATUS.get(reply.status, "unknown")
    try:
        body = json.loads(reply.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return code, f"HTTP {reply.status}", []
    error = cast("dict[str, Any]", body)
    details = cast("list[dict[str, Any]]", error.get("details") or [])
    return str(error.get("code") or code), str(error.get("message", "")), details


def _seconds_of(retry_after: str) -> float:
    """The seconds of a Retry-After header; 0 where there is none, or where it is a date."""
    return float(retry_after) if retry_after.isdecimal() else 0.0
