"""`userstats.v1.UserStatsService` over Connect: parse, call one use case, translate the answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.contracts.userstats.v1 import user_stats_service_pb as pb
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.connect.page_tokens import PageTokenInvalid, PageTokens, Part
from gavel.runtime.http.connect.procedures import Service, Unary
from gavel.runtime.http.routes import Access
from gavel.userstats.adapters.connect.messages import stats_message
from gavel.userstats.domain.ids import UserId, canonical_uuid
from gavel.userstats.ports import StatsBook, TopPosition, Unavailable
from gavel.userstats.use_cases.show_top_bidders import show_top_bidders
from gavel.userstats.use_cases.show_user_stats import UserUnknown, show_user_stats

PAGE_SIZE_DEFAULT = 20
PAGE_SIZE_MAX = 100
# A read takes milliseconds; a database that needs longer than this is away.
READ_SECONDS_MAX = 5.0
UNAVAILABLE_RETRY_AFTER_SECONDS = 1.0

_TOP_BIDDERS = "top bidders"

_PUBLIC_READ = Access(public_read=True)


class StatsApi:
    """Handlers of the service, on the stats book. Money in minor units, ids as canonical UUIDs."""

    def __init__(self, book: StatsBook, tokens: PageTokens) -> None:
        self._book = book
        self._tokens = tokens

    async def get_user_stats(self, call: Call, request: pb.GetUserStatsRequest) -> pb.GetUserStatsResponse:
        """See UserStatsService.GetUserStats."""
        user_id = _user_id_of(request.user_id)
        call.bind(user_id=user_id)
        async with asyncio.timeout(READ_SECONDS_MAX):
            return pb.GetUserStatsResponse(stats=stats_message(await show_user_stats(self._book, user_id)))

    async def list_top_bidders(self, _call: Call, request: pb.ListTopBiddersRequest) -> pb.ListTopBiddersResponse:
        """See UserStatsService.ListTopBidders."""
        limit = _page_size_of(request.page_size)
        async with asyncio.timeout(READ_SECONDS_MAX):
            after = None
            if request.page_token:
                after = _position(await self._tokens.read(_TOP_BIDDERS, request.page_token))
            users, position = await show_top_bidders(self._book, after=after, limit=limit)
            token = ""
            if position is not None:
                token = await self._tokens.issue(_TOP_BIDDERS, position.amount_won, position.user_id)
        return pb.ListTopBiddersResponse(users=[stats_message(stats) for stats in users], next_page_token=token)


def stats_service(api: StatsApi) -> Service:
    """The service's route table: both methods are public reads."""
    return Service(
        UserStatsService.desc(),
        connect_error,
        {
            "GetUserStats": Unary(pb.GetUserStatsRequest, api.get_user_stats, _PUBLIC_READ),
            "ListTopBidders": Unary(pb.ListTopBiddersRequest, api.list_top_bidders, _PUBLIC_READ),
        },
    )


_TABLE: dict[type[Exception], Callable[[Any], ConnectError]] = {
    UserUnknown: lambda error: ConnectError(Code.NOT_FOUND, str(error)),
    PageTokenInvalid: lambda _: ConnectError(Code.INVALID_ARGUMENT, "page_token: only as it was given, for this list"),
    TimeoutError: lambda _: ConnectError(Code.DEADLINE_EXCEEDED, "no answer in time"),
    Unavailable: lambda _: RetryLater(
        Code.UNAVAILABLE, "the totals can't be read now", UNAVAILABLE_RETRY_AFTER_SECONDS
    ),
}


def connect_error(error: Exception) -> ConnectError | None:
    """Map an exception of the read side to a Connect error; None for one that is a bug."""
    to_connect = _TABLE.get(type(error))
    return None if to_connect is None else to_connect(error)


def _user_id_of(text: str) -> UserId:
    canonical = canonical_uuid(text)
    if canonical is None:
        raise ConnectError(
            Code.INVALID_ARGUMENT,
            "user_id must be a UUID of 36 characters, such as 123e4567-e89b-42d3-a456-426614174000",
        )
    return UserId(canonical)


def _page_size_of(asked: int) -> int:
    """Number of entries in a page: 20 by default, 100 at most."""
    if asked < 0:
        raise ConnectError(Code.INVALID_ARGUMENT, f"page_size must be 0 (for {PAGE_SIZE_DEFAULT}) to {PAGE_SIZE_MAX}")
    return min(asked or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def _position(parts: list[Part]) -> TopPosition:
    match parts:
        case [int(amount_won), str(user_id)]:
            return TopPosition(amount_won, UserId(user_id))
        case _:
            raise PageTokenInvalid
