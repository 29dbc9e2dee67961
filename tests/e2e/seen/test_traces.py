"""The trace of a bid, from its HTTP call to its row in the totals, at a collector of the test's own."""

import asyncio
from uuid import uuid4

import pytest

from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient
from tests.e2e.seen.callers import CALLERS_SPAN, traceparent
from tests.servers.otlp_collector import Collector, Span
from tests.servers.rabbitmq_broker import until

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# Of a bid that is alone in its batch: where each span is written, and under which.
BID_SPANS = {
    "bids.v1.BidService/PlaceBid": ("gavel-bid-api", "SERVER", ""),
    "decide": ("gavel-bid-api", "INTERNAL", "bids.v1.BidService/PlaceBid"),
    "commit batch": ("gavel-bid-api", "CLIENT", "bids.v1.BidService/PlaceBid"),
    "wait in outbox": ("gavel-bid-worker", "INTERNAL", "bids.v1.BidService/PlaceBid"),
    "publish auction.events": ("gavel-bid-worker", "PRODUCER", "bids.v1.BidService/PlaceBid"),
    "consume events": ("gavel-stats-worker", "CONSUMER", "publish auction.events"),
    "write stats": ("gavel-stats-worker", "CLIENT", "bids.v1.BidService/PlaceBid"),
}


async def spans_of(collector: Collector, trace_id: str, names: set[str]) -> dict[str, Span]:
    """The spans of a trace by name, once they are all there."""

    async def all_there() -> bool:
        return names <= {span.name for span in collector.spans(trace_id)}

    await until(all_there)
    return {span.name: span for span in collector.spans(trace_id)}


async def test_one_bid_gives_one_trace_from_the_call_to_the_stats_row_across_the_processes(
    stack: Stack, four: StackClient, collector: Collector
) -> None:
    # Not sampled: in one batch with the bid, a batch's spans would be the item's, and only linked to the bid.
    item_id = await four.list_item(headers={"traceparent": traceparent(uuid4().hex, "00")})
    me, trace_id = str(uuid4()), uuid4().hex
    bid = {"itemId": item_id, "userId": me, "amount": 100}
    await four.ok("PlaceBid", bid, traceparent=traceparent(trace_id), **{"X-Request-Id": "told-by-caller"})
    spans = await spans_of(collector, trace_id, set(BID_SPANS))
    parents = {span.span_id: name for name, span in spans.items()} | {CALLERS_SPAN: ""}
    told = {
        name: (span.service, span.kind.removeprefix("SPAN_KIND_"), parents[span.parent_id])
        for name, span in spans.items()
    }
    assert told == BID_SPANS
    call = spans["bids.v1.BidService/PlaceBid"]
    assert call.attributes["gavel.item_id"] == item_id
    assert call.attributes["http.request.id"] == "told-by-caller"
    assert call.attributes["rpc.response.status_code"] == "ok"
    assert not call.is_error


async def test_where_a_batch_serves_many_each_of_their_traces_is_in_it_or_linked_to_it(
    stack: Stack, four: StackClient, collector: Collector
) -> None:
    item_ids = [await four.list_item() for _ in range(20)]
    trace_ids = [uuid4().hex for _ in item_ids]
    await asyncio.gather(
        *(
            four.ok(
                "PlaceBid", {"itemId": item_id, "userId": str(uuid4()), "amount": 100}, traceparent=traceparent(id_)
            )
            for item_id, id_ in zip(item_ids, trace_ids, strict=True)
        )
    )

    def served(name: str) -> set[str]:
        spans = [span for span in collector.spans() if span.name == name]
        return {span.trace_id for span in spans} | {trace_id for span in spans for trace_id in span.links}

    async def all_there() -> bool:
        return all(set(trace_ids) <= served(name) for name in ("commit batch", "publish auction.events", "write stats"))

    await until(all_there)
    for trace_id in trace_ids:
        assert await spans_of(collector, trace_id, {"decide"})


async def test_a_refused_bid_is_no_error_and_one_whose_caller_does_not_sample_leaves_no_span(
    stack: Stack, four: StackClient, collector: Collector
) -> None:
    item_id, unsampled, sampled = await four.list_item(), uuid4().hex, uuid4().hex
    bid = {"itemId": item_id, "userId": str(uuid4()), "amount": 1}
    await four.call("PlaceBid", bid, traceparent=traceparent(unsampled, "00"))
    await four.call("PlaceBid", bid, traceparent=traceparent(sampled))
    call = (await spans_of(collector, sampled, {"bids.v1.BidService/PlaceBid"}))["bids.v1.BidService/PlaceBid"]
    assert (call.attributes["rpc.response.status_code"], call.is_error) == ("failed_precondition", False)
    assert collector.spans(unsampled) == []
