"""Commands of `bids.v1.BidService`: parse, call one use case, translate the answer."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

from prometheus_client.core import Metric
from protobuf import Message

from gavel.bids.adapters.connect.errors import saying_how_to_retry, unanswered
from gavel.bids.adapters.connect.messages import item_message, place_bid_message
from gavel.bids.adapters.connect.requests import (
    actor_id_of,
    bid_of,
    changes_of,
    draft_of,
    idempotency_key_of,
    item_id_of,
)
from gavel.bids.adapters.connect.seller_limits import SellerLimits
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefused, InvalidInput, ItemNotFound, KeyReused
from gavel.bids.ports.book import AuctionBook, DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.catalogue import ItemCatalogue, ItemView
from gavel.bids.use_cases.buy_now import buy_now
from gavel.bids.use_cases.cancel_item import cancel_item
from gavel.bids.use_cases.change_item import change_item
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import submit_bid
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.calls import Call
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.metrics import counter

# Takes a handler's answer: a reply or an exception, once.
Reply = Callable[[Message | Exception], None]

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


class BidApi:
    """Handlers of BidService's commands. Money in minor units, ids as canonical UUIDs."""

    def __init__(
        self,
        book: AuctionBook,
        catalogue: ItemCatalogue,
        house_currency: str,
        seller_limits: SellerLimits | None = None,
    ) -> None:
        self._book = book
        self._catalogue = catalogue
        self._house_currency = house_currency
        self._seller_limits = seller_limits or SellerLimits()
        self.bids = BidMetrics()

    def place_bid(self, call: Call, request: pb.PlaceBidRequest, answer: Reply) -> Callable[[], bool]:
        """See BidService.PlaceBid. Answers by a callback; raises what is refused before the book is asked."""
        try:
            item_id, user_id = item_id_of(request.item_id), actor_id_of(call, request.user_id)
            call.bind(item_id=item_id, user_id=user_id)
            bid = bid_of(user_id, request)
            key = idempotency_key_of(call, request.idempotency_key)
            answered = partial(self._answered, call, user_id, key, answer)
            submitted = submit_bid(self._book, item_id, bid, answered, idempotency_key=key, call=call)
        except Exception as error:
            self.bids.raised(error)
            raise
        return submitted.withdraw

    def _answered(self, call: Call, user_id: UserId, key: str, answer: Reply, outcome: Answer | Exception) -> None:
        if isinstance(outcome, Exception):
            self.bids.raised(outcome)
            answer(unanswered(outcome, key))
            return
        self.bids.answered(outcome)
        message = place_bid_message(outcome, user_id)
        if tracing.is_on and message.bid is not None and tracing.is_sampled(call.traceparent):
            call.bind(bid_id=message.bid.id)
        answer(message)

    async def buy_now(self, call: Call, request: pb.BuyNowRequest) -> pb.BuyNowResponse:
        """See BidService.BuyNow."""
        item_id, user_id = item_id_of(request.item_id), actor_id_of(call, request.user_id)
        call.bind(item_id=item_id, user_id=user_id)
        key = idempotency_key_of(call, request.idempotency_key)
        with saying_how_to_retry(key):
            bought = await buy_now(self._book, self._catalogue, item_id, user_id, idempotency_key=key, call=call)
        return pb.BuyNowResponse(item=item_message(*bought))

    async def create_item(self, call: Call, request: pb.CreateItemRequest) -> pb.CreateItemResponse:
        """See BidService.CreateItem."""
        draft = draft_of(actor_id_of(call, request.seller_id, "seller_id"), request)
        call.bind(user_id=draft.seller_id)
        texts = draft.listing
        self._seller_limits.charge(draft.seller_id, (texts.title, texts.description, texts.category, *texts.images))
        item_id, key = ItemId(str(uuid4())), idempotency_key_of(call, request.idempotency_key)
        with saying_how_to_retry(key):
            answer = await list_item(
                self._book, draft, item_id=item_id, currency=self._house_currency, call=call, idempotency_key=key
            )
        call.bind(item_id=answer.auction.item_id)
        view, at = ItemView(answer.auction, draft.listing, created_at=answer.at, updated_at=answer.at), answer.at
        if answer.replayed:
            # Its texts may have changed since.
            view, at = await self._catalogue.item(answer.auction.item_id)
        return pb.CreateItemResponse(item=item_message(view, at))

    async def update_item(self, call: Call, request: pb.UpdateItemRequest) -> pb.UpdateItemResponse:
        """See BidService.UpdateItem."""
        item_id, seller_id = item_id_of(request.id, "id"), actor_id_of(call, request.seller_id, "seller_id")
        call.bind(item_id=item_id, user_id=seller_id)
        changes = changes_of(request)
        texts = (changes.title or "", changes.description or "", changes.category or "", *(changes.images or ()))
        self._seller_limits.charge(seller_id, texts)
        changed = await change_item(self._book, self._catalogue, item_id, changes, seller_id=seller_id, call=call)
        return pb.UpdateItemResponse(item=item_message(*changed))

    async def cancel_item(self, call: Call, request: pb.CancelItemRequest) -> pb.CancelItemResponse:
        """See BidService.CancelItem."""
        item_id, seller_id = item_id_of(request.id, "id"), actor_id_of(call, request.seller_id, "seller_id")
        call.bind(item_id=item_id, user_id=seller_id)
        cancelled = await cancel_item(self._book, self._catalogue, item_id, seller_id=seller_id, call=call)
        return pb.CancelItemResponse(item=item_message(*cancelled))
