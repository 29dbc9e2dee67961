"""What the four processes tell of themselves while bids go through them: metrics, by the list in docs/METRICS.md, and
the trace of a bid, at a collector of the test's own.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Generator
from unittest import mock
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from gavel.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient, running_stack
from tests.e2e.gavel_process import Client, Standalone
from tests.house.tree import ROOT
from tests.servers.otlp_collector import Collector, Span, running_collector
from tests.servers.rabbitmq_broker import until

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

METRIC_ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def collector() -> Generator[Collector]:
    """Where the four processes send their spans."""
    with running_collector() as running:
        yield running


@pytest.fixture(scope="module")
def stack(collector: Collector) -> Generator[Stack]:
    """The four processes for this module."""
    settings = {"AUTH_MODE": "trusted", "LOG_LEVEL": "INFO", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with mock.patch.dict(os.environ, settings), running_stack() as running:
        yield running


@pytest_asyncio.fixture
async def four(stack: Stack) -> AsyncGenerator[StackClient]:
    """A client of the four processes."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield StackClient(http, stack)


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """The metrics of docs/METRICS.md: kind and labels by name."""
    page = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in METRIC_ROW.findall(page)}


class Page:
    """A page of metrics."""

    def __init__(self, text: str) -> None:
        self.kinds: dict[str, str] = {}
        self.labels: dict[str, set[str]] = {}
        self.values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(text):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            self.kinds[name] = family.type
            labels = self.labels.setdefault(name, set())
            for sample in family.samples:
                labels.update(sample.labels.keys() - {"le"})
                self.values[sample.name, frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """One number; 0 where the page does not have it."""
        return self.values.get((name, frozenset(labels.items())), 0.0)


async def scraped(http: httpx.AsyncClient, port: int) -> Page:
    """The metrics behind a port."""
    reply = await http.get(f"http://127.0.0.1:{port}/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain; version=")
    return Page(reply.text)


async def use_it(client: Client) -> None:
    """An item, bids of each kind, reads of each kind, and the totals once they count the bids."""
    item_id, me = await client.list_item(), str(uuid4())
    bid = {"itemId": item_id, "userId": me, "amount": 100, "idempotencyKey": "once"}
    await client.ok("PlaceBid", bid)
    await client.ok("PlaceBid", bid)
    assert (await client.call("PlaceBid", bid | {"idempotencyKey": "", "userId": str(uuid4())})).status_code == 400
    assert (await client.call("PlaceBid", bid | {"itemId": "x"})).status_code == 400
    assert (await client.call("PlaceBid", bid | {"amount": "many"})).status_code == 400
    assert (await client.call("NoSuchMethod", {})).status_code == 404
    for _ in range(2):
        await client.ok("GetItem", {"id": item_id})
        await client.ok("GetLeaderboard", {"itemId": item_id})
    await client.stats_once(me, total_bids=1)


async def test_every_metric_of_the_four_processes_is_documented_and_the_other_way_round(
    stack: Stack, four: StackClient
) -> None:
    await use_it(four)
    pages = [await scraped(four.http, port) for port in stack.ports.admin.values()]
    told: dict[str, tuple[str, frozenset[str]]] = {}
    for page in pages:
        for name, kind in page.kinds.items():
            labels = told[name][1] if name in told else frozenset[str]()
            told[name] = (kind, labels | page.labels[name])
    assert told == documented()


async def test_calls_bids_and_events_are_counted_where_they_happen(stack: Stack, four: StackClient) -> None:
    async def pages() -> dict[str, Page]:
        return {name: await scraped(four.http, port) for name, port in stack.ports.admin.items()}

    before = await pages()
    await four.http.post(four.url_of("PlaceBid"), content=b"{", headers={"Content-Type": "application/json"})
    item_id, me = await four.list_item(), str(uuid4())
    await four.ok("PlaceBid", {"itemId": item_id, "userId": me, "amount": 100})
    # The full path counts as the thin one does.
    refused = await four.call(
        "PlaceBid", {"itemId": item_id, "userId": str(uuid4()), "amount": 100}, **{"Connect-Timeout-Ms": "5000"}
    )
    assert refused.json()["code"] == "failed_precondition"
    await four.stats_once(me, total_bids=1)
    after = await pages()

    def rise(process: str, name: str, **labels: str) -> float:
        return after[process].value(name, **labels) - before[process].value(name, **labels)

    calls = "gavel_rpc_calls_total"
    assert rise("bid-api", calls, method="PlaceBid", code="ok") == 1
    assert rise("bid-api", calls, method="PlaceBid", code="failed_precondition") == 1
    assert rise("bid-api", calls, method="PlaceBid", code="invalid_argument") == 1
    assert rise("bid-api", calls, method="CreateItem", code="ok") == 1
    assert rise("bid-api", "gavel_rpc_duration_seconds_count", method="PlaceBid") == 3
    assert rise("bid-api", "gavel_bids_total", outcome="accepted", reason="") == 1
    assert rise("bid-api", "gavel_bids_total", outcome="refused", reason="too_low") == 1
    assert rise("bid-api", "gavel_lane_batch_commands_sum", lane="bids") >= 1
    assert rise("bid-worker", "gavel_relay_events_total") == 2
    assert rise("bid-worker", "gavel_publish_messages_total", outcome="confirmed") >= 1
    assert rise("stats-worker", "gavel_counter_events_total", outcome="counted") == 2
    assert rise("stats-api", calls, method="GetUserStats", code="ok") == 1
    assert after["bid-worker"].value("gavel_outbox_rows") == 0


async def test_standalone_tells_the_same_on_its_public_port_but_for_the_servers_that_it_has_not(
    shared_gavel: Standalone, client: Client
) -> None:
    await use_it(client)
    page = await scraped(client.http, shared_gavel.port)
    absent = documented().keys() - page.kinds.keys()
    assert absent == {"gavel_publish_messages_total", "gavel_redis_requests_total", "gavel_redis_breaker_open"}
    assert page.kinds.keys() <= documented().keys()
    assert page.value("gavel_counter_events_total", outcome="counted") >= 2
    # Two lanes and several pools are told as one metric each.
    assert {("lane", "bids"), ("lane", "closer")} <= {
        pair for name, labels in page.values if name == "gavel_lane_commands_waiting" for pair in labels
    }


async def test_callers_can_make_no_label(stack: Stack, four: StackClient) -> None:
    assert (await four.call("Nobody", {})).status_code == 404
    page = await scraped(four.http, stack.ports.admin["bid-api"])
    methods = {value for _, labels in page.values for name, value in labels if name == "method"}
    assert "unknown" in methods
    assert "Nobody" not in methods


async def test_metrics_are_not_on_the_public_port_of_a_process(stack: Stack, four: StackClient) -> None:
    reply = await four.http.get(f"http://127.0.0.1:{stack.ports.bid_api}/metrics")
    assert reply.status_code == 404


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
CALLERS_SPAN = "00f067aa0ba902b7"


def traceparent(trace_id: str, flags: str = "01") -> str:
    """The header of a caller that has a trace already."""
    return f"00-{trace_id}-{CALLERS_SPAN}-{flags}"


async def spans_of(collector: Collector, trace_id: str, names: set[str]) -> dict[str, Span]:
    """The spans of a trace by name, once they are all there."""

    async def all_there() -> bool:
        return names <= {span.name for span in collector.spans(trace_id)}

    await until(all_there)
    return {span.name: span for span in collector.spans(trace_id)}


@pytest.mark.parametrize("headers", [{}, {"Connect-Timeout-Ms": "9000"}], ids=["thin path", "full path"])
async def test_one_bid_gives_one_trace_from_the_call_to_the_stats_row_across_the_processes(
    stack: Stack, four: StackClient, collector: Collector, headers: dict[str, str]
) -> None:
    item_id, me, trace_id = await four.list_item(), str(uuid4()), uuid4().hex
    bid = {"itemId": item_id, "userId": me, "amount": 100}
    await four.ok("PlaceBid", bid, **headers, traceparent=traceparent(trace_id), **{"X-Request-Id": "told-by-caller"})
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
