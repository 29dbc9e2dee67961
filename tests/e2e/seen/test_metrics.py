"""What the processes count while bids go through them, by the list in docs/METRICS.md."""

from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gavel_tools.local_servers.stack import Stack
from tests.auction_house import until
from tests.e2e.four_processes import StackClient
from tests.e2e.gavel_process import Client, Standalone
from tests.e2e.seen.metrics_page import documented

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


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


def flow(told: dict[str, Page]) -> tuple[float, float]:
    """How many events were relayed, and how many counted."""
    return (
        told["bid-worker"].value("gavel_relay_events_total"),
        told["stats-worker"].value("gavel_counter_events_total", outcome="counted"),
    )


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
    told: dict[str, tuple[str, frozenset[str]]] = {}
    expected = documented()

    async def all_is_told() -> bool:
        """A source that is slow to answer is left out of a page, and is on the next."""
        for port in stack.ports.admin.values():
            page = await scraped(four.http, port)
            for name, kind in page.kinds.items():
                labels = told[name][1] if name in told else frozenset[str]()
                told[name] = (kind, labels | page.labels[name])
        return expected.keys() <= told.keys()

    await until(all_is_told)
    assert told == expected


async def test_calls_bids_and_events_are_counted_where_they_happen(stack: Stack, four: StackClient) -> None:
    async def at_rest(relayed_min: float = 0, counted_min: float = 0) -> dict[str, Page]:
        """The pages once nothing is owed: what was relayed is counted after its commit, and what was counted too."""
        found: list[dict[str, Page]] = []

        async def nothing_is_owed() -> bool:
            told = {name: await scraped(four.http, port) for name, port in stack.ports.admin.items()}
            found.append(told)
            relayed, counted = flow(told)
            owed = told["bid-worker"].value("gavel_outbox_rows")
            return owed == 0 and relayed == counted and relayed >= relayed_min and counted >= counted_min

        await until(nothing_is_owed)
        return found[-1]

    before = await at_rest()
    await four.http.post(four.url_of("PlaceBid"), content=b"{", headers={"Content-Type": "application/json"})
    item_id, me = await four.list_item(), str(uuid4())
    await four.ok("PlaceBid", {"itemId": item_id, "userId": me, "amount": 100})
    refused = await four.call("PlaceBid", {"itemId": item_id, "userId": str(uuid4()), "amount": 100})
    assert refused.json()["code"] == "failed_precondition"
    await four.stats_once(me, total_bids=1)
    relayed, counted = flow(before)
    after = await at_rest(relayed + 2, counted + 2)

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


async def test_standalone_has_the_same_metrics_on_its_public_port_but_those_of_absent_servers(
    shared_gavel: Standalone, client: Client
) -> None:
    await use_it(client)
    page = await scraped(client.http, shared_gavel.port)
    absent = documented().keys() - page.kinds.keys()
    of_servers = {"gavel_publish_messages_total", "gavel_publish_blocked", "gavel_counter_messages_waiting"}
    # One server with one log loses nothing that was counted: there is nothing to compare.
    of_servers |= {"gavel_counter_missing_events", "gavel_counter_checked_age_seconds"}
    of_servers |= {"gavel_counter_requested_seconds_total"}
    assert absent == of_servers | {"gavel_redis_requests_total", "gavel_redis_breaker_open"}
    assert page.kinds.keys() <= documented().keys()
    assert page.value("gavel_counter_events_total", outcome="counted") >= 2
    # Two lanes and several pools are one metric each.
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
