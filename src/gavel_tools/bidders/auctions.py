"""The auctions of a run: some that are open already, or new ones made for it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import uuid4

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.budgets import worth_of
from gavel_tools.bidders.calls import CREATE_ITEM, GET_ITEM, LIST_ITEMS, Answer, Caller, Failed, NoAnswer, Refused
from gavel_tools.bidders.market import ItemOnSale
from gavel_tools.bidders.options import NEEDS_TOKENS, BiddersFailed, BiddersOptions

PAGE_SIZE = 100
DEFAULT_ENDS_IN_SECONDS = 3_600.0
# As many as a page shows at once.
CREATED_ITEMS = 6
# Auctions that end during the run are extended a little by late bids, so that they do end during the run.
SHORT_SOFT_CLOSE = pb.SoftClose(window_seconds=2, extension_seconds=2, max_extension_seconds=10)


class Auctions(NamedTuple):
    """The items of a run, and which of them were made for it."""

    items: list[ItemOnSale]
    created: list[str]


async def open_auctions(caller: Caller, options: BiddersOptions, seller_id: str) -> Auctions:
    """Return the items to bid on, as the server shows them now; new ones are the seller's. Raises BiddersFailed.

    Where none is open that the bidders would bid up, new ones are made.
    """
    if not options.create:
        open_items = await _shown(caller, options, await _list(caller, options))
        if items := [item for item in open_items if item.has_room]:
            return Auctions(items, [])
    created = await _create(caller, options, seller_id)
    return Auctions(await _shown(caller, options, created), created)


async def _shown(caller: Caller, options: BiddersOptions, item_ids: Sequence[str]) -> list[ItemOnSale]:
    """Return these items as the server shows them now."""
    loop = asyncio.get_running_loop()
    found: list[ItemOnSale] = []
    for number, item_id in enumerate(item_ids):
        shown = _answered(await caller.call(GET_ITEM, pb.GetItemRequest(id=item_id)), options.url)
        if (item := shown.item) is not None:
            worth = worth_of(item.start_price, item.buy_now_price, options.budget_starts, options.seed, number)
            found.append(ItemOnSale.of(item, shown.server_time, loop.time(), number=number, worth=worth))
    return found


def draft(
    number: int, seed: int, seller_id: str, end_at: datetime, soft_close: pb.SoftClose | None
) -> pb.CreateItemRequest:
    """The n-th auction of a run: every third has a reserve, every second a buy-now price. The same again for a seed."""
    random = Random(f"{seed} auction {number}")
    start_price = random.randrange(500, 20_000, 100)
    # Within what bidders pay by default, or a little above it.
    reserve_price = start_price * random.randint(15, 30) // 10 if number % 3 == 2 else 0
    buy_now_price = max(start_price, reserve_price) * 2 if number % 4 in (1, 2) else 0
    return pb.CreateItemRequest(
        title=f"Simulated auction {number + 1}",
        description="Made for a run of simulated bidders.",
        category="simulated",
        seller_id=seller_id,
        start_price=start_price,
        reserve_price=reserve_price,
        buy_now_price=buy_now_price,
        end_at=Timestamp.from_datetime(end_at),
        soft_close=soft_close,
    )


async def _create(caller: Caller, options: BiddersOptions, seller_id: str) -> list[str]:
    item_ids = list[str]()
    soft_close = None if options.ends_in_seconds is None else SHORT_SOFT_CLOSE
    for number in range(options.create or CREATED_ITEMS):
        end_at = datetime.now(UTC) + timedelta(seconds=options.ends_in_seconds or DEFAULT_ENDS_IN_SECONDS)
        request = draft(number, options.seed, seller_id, end_at, soft_close)
        request.idempotency_key = str(uuid4())
        created = _answered((await caller.insist(CREATE_ITEM, request))[0], options.url)
        if created.item is not None:
            item_ids.append(created.item.id)
    return item_ids


async def _list(caller: Caller, options: BiddersOptions) -> list[str]:
    item_ids, page_token = list[str](), ""
    while len(item_ids) < options.items:
        request = pb.ListItemsRequest(page_size=min(options.items - len(item_ids), PAGE_SIZE), page_token=page_token)
        page = _answered(await caller.call(LIST_ITEMS, request), options.url)
        item_ids += [item.id for item in page.items]
        page_token = page.next_page_token
        if not page_token:
            break
    return item_ids


def _answered(answer: Answer | Refused | NoAnswer | Failed, url: str) -> Answer:
    """The answer, where it is one. Raises BiddersFailed with what to do next."""
    match answer:
        case NoAnswer("connection_refused"):
            raise BiddersFailed(f"nothing listens at {url}: start it with `make demo`, or name another with --url")
        case NoAnswer("connection_lost", text):
            raise BiddersFailed(f"can't reach {url} ({text}): is --url right?")
        case NoAnswer(kind, text):
            raise BiddersFailed(f"{url} does not answer now ({kind}: {text}): wait until its /readyz says ready")
        case Failed("unimplemented", text):
            raise BiddersFailed(f"what answers at {url} is no Gavel's bid API ({text}): is --url right?")
        case Failed("unauthenticated" | "permission_denied" as code, _):
            raise BiddersFailed(f"{url} says {code}: {NEEDS_TOKENS}")
        case Failed(code, text):
            raise BiddersFailed(f"{url} says {code}: {text}")
        case Refused():
            raise BiddersFailed(f"{url} refuses, as if this was a bid: is it a Gavel?")
        case _:
            return answer
