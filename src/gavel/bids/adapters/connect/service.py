"""`bids.v1.BidService` over Connect: parse, call one use case, translate the answer."""

from collections.abc import Sequence
from uuid import uuid4

from prometheus_client.core import Metric

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.messages import item_message, place_bid_message
from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.requests import (
    Context,
    Metadata,
    actor_id_of,
    changes_of,
    draft_of,
    idempotency_key_of,
    item_id_of,
    metadata_of,
)
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.refusals import BidRefused, InvalidInput, ItemNotFound, KeyReused
from gavel.bids.ports.book import AuctionBook, DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.catalogue import ItemCatalogue, ItemView
from gavel.bids.ports.leaderboards import Leaderboards
from gavel.bids.use_cases.buy_now import buy_now
from gavel.bids.use_cases.cancel_item import cancel_item
from gavel.bids.use_cases.change_item import change_item
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.bids.v1.bid_service_connect import BidService, BidServiceASGIApplication
from gavel.runtime.http.connect import CODECS, REQUEST_BYTES_MAX, MappedErrors, only_connect
from gavel.runtime.http.instrumentation import RpcMetrics, instrumented
from gavel.runtime.http.page_tokens import PageTokens
from gavel.runtime.http.server import Asgi
from gavel.runtime.telemetry.metrics import counter
from gavel.runtime.telemetry.request_context import bind
from gavel.runtime.telemetry.tracing import is_sampled

# The metric's outcome and reason of each error.
_REASONS: dict[type[Exception], tuple[str, str]] = {
    InvalidInput: ("refused", "invalid_input"),
    ItemNotFound: ("refused", "item_not_found"),
    KeyReused: ("refused", "key_reused"),
    Overloaded: ("failed", "overloaded"),
    DeadlineExceeded: ("failed", "deadline_exceeded"),
    Unavailable: ("failed", "unavailable"),
}
_UNEXPECTED = ("failed", "unexpected")


class BidMetrics:
    """Counts of PlaceBid by outcome and reason."""

    def __init__(self) -> None:
        self._bids: dict[tuple[str, str], int] = {}

    def answered(self, answer: Answer) -> None:
        """Count a bid that was answered."""
        self._count(("replayed", "") if answer.replayed else ("accepted", ""))

    def raised(self, error: Exception) -> None:
        """Count a bid that raised an error."""
        if isinstance(error, BidRefused):
            self._count(("refused", error.reason.name.lower()))
        else:
            self._count(_REASONS.get(type(error), _UNEXPECTED))

    def _count(self, key: tuple[str, str]) -> None:
        self._bids[key] = self._bids.get(key, 0) + 1

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        meaning = (
            "PlaceBid by outcome: accepted, replayed (its key was accepted before), refused by the rules, or failed;"
            " with the reason of the latter two."
        )
        return [counter("gavel_bids_total", meaning, ("outcome", "reason"), self._bids)]


class BidApi(BidService):
    """BidService on the write side's ports. Money in minor units, ids as canonical UUIDs."""

    def __init__(
        self,
        book: AuctionBook,
        catalogue: ItemCatalogue,
        leaderboards: Leaderboards,
        tokens: PageTokens,
        house_currency: str,
    ) -> None:
        self._book = book
        self._catalogue = catalogue
        reads = ReadApi(catalogue, leaderboards, tokens)
        self.get_item = reads.get_item
        self.list_items = reads.list_items
        self.list_seller_items = reads.list_seller_items
        self.list_my_bids = reads.list_my_bids
        self.get_item_bids = reads.get_item_bids
        self.get_leaderboard = reads.get_leaderboard
        self.bids = BidMetrics()
        self.calls = RpcMetrics(BidService.desc().type_name)
        self._house_currency = house_currency

    async def place_bid(self, request: pb.PlaceBidRequest, ctx: Context) -> pb.PlaceBidResponse:
        """See BidService.PlaceBid."""
        return await self.answer_bid(request, metadata_of(ctx))

    async def answer_bid(self, request: pb.PlaceBidRequest, metadata: Metadata) -> pb.PlaceBidResponse:
        """Decide a bid, for the fast path and the full application. Raises exceptions that connect_error maps."""
        try:
            item_id, user_id = item_id_of(request.item_id), actor_id_of(request.user_id)
            bind(item_id=item_id, user_id=user_id)
            bid = new_bid(user_id, request.amount, request.max_amount)
            key = idempotency_key_of(request.idempotency_key, metadata.idempotency_key)
            answer = await place_bid(self._book, item_id, bid, idempotency_key=key, call=metadata.call)
        except Exception as error:
            self.bids.raised(error)
            raise
        self.bids.answered(answer)
        message = place_bid_message(answer, user_id)
        if message.bid is not None and is_sampled(metadata.call.traceparent):
            bind(bid_id=message.bid.id)
        return message

    async def buy_now(self, request: pb.BuyNowRequest, ctx: Context) -> pb.BuyNowResponse:
        """See BidService.BuyNow."""
        item_id, user_id, metadata = item_id_of(request.item_id), actor_id_of(request.user_id), metadata_of(ctx)
        bind(item_id=item_id, user_id=user_id)
        key = idempotency_key_of(request.idempotency_key, metadata.idempotency_key)
        bought = await buy_now(self._book, self._catalogue, item_id, user_id, idempotency_key=key, call=metadata.call)
        return pb.BuyNowResponse(item=item_message(*bought))

    async def create_item(self, request: pb.CreateItemRequest, ctx: Context) -> pb.CreateItemResponse:
        """See BidService.CreateItem."""
        draft, metadata = draft_of(request), metadata_of(ctx)
        bind(user_id=draft.seller_id)
        answer = await list_item(
            self._book,
            draft,
            item_id=ItemId(str(uuid4())),
            currency=self._house_currency,
            call=metadata.call,
            idempotency_key=idempotency_key_of(request.idempotency_key, metadata.idempotency_key),
        )
        bind(item_id=answer.auction.item_id)
        view, at = ItemView(answer.auction, draft.listing, created_at=answer.at, updated_at=answer.at), answer.at
        if answer.replayed:
            # Its texts may have changed since.
            view, at = await self._catalogue.item(answer.auction.item_id)
        return pb.CreateItemResponse(item=item_message(view, at))

    async def update_item(self, request: pb.UpdateItemRequest, ctx: Context) -> pb.UpdateItemResponse:
        """See BidService.UpdateItem."""
        item_id, seller_id = item_id_of(request.id, "id"), actor_id_of(request.seller_id, "seller_id")
        bind(item_id=item_id, user_id=seller_id)
        changes, call = changes_of(request), metadata_of(ctx).call
        changed = await change_item(self._book, self._catalogue, item_id, changes, seller_id=seller_id, call=call)
        return pb.UpdateItemResponse(item=item_message(*changed))

    async def cancel_item(self, request: pb.CancelItemRequest, ctx: Context) -> pb.CancelItemResponse:
        """See BidService.CancelItem."""
        item_id, seller_id = item_id_of(request.id, "id"), actor_id_of(request.seller_id, "seller_id")
        bind(item_id=item_id, user_id=seller_id)
        call = metadata_of(ctx).call
        cancelled = await cancel_item(self._book, self._catalogue, item_id, seller_id=seller_id, call=call)
        return pb.CancelItemResponse(item=item_message(*cancelled))


def bid_service_app(api: BidApi) -> Asgi:
    """Build the service's ASGI application, with mapped errors and requests bounded after decompression."""
    app = BidServiceASGIApplication(
        api, interceptors=[MappedErrors(connect_error)], read_max_bytes=REQUEST_BYTES_MAX, codecs=CODECS
    )
    return instrumented(only_connect(app), BidService.desc(), api.calls)
