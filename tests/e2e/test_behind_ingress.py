"""A Gavel behind an nginx with what the charts ask of the two ingress controllers."""

import pytest

from tests.deploy.rendered import installation, of_kind, proxying
from tests.e2e.gavel_process import Client, Standalone, bidder
from tests.servers.nginx import proxy_to
from tests.watching import watching

pytestmark = pytest.mark.e2e

CONTROLLERS = pytest.mark.parametrize("controller", ["nginx.org", "nginx.ingress.kubernetes.io"])
UNKNOWN_ID = "0190aaaa-0000-7000-8000-00000000dead"


@CONTROLLERS
async def test_watching_and_bidding_through_the_ingress_each_event_comes_before_the_next_bid(
    client: Client, shared_gavel: Standalone, controller: str
) -> None:
    [ingress] = [each for each in of_kind(installation("production"), "Ingress") if "bid" in each["metadata"]["name"]]
    directives = proxying(ingress, controller)
    assert directives["proxy_buffering"] == "off"
    item_id = await client.list_item()
    with proxy_to(shared_gavel.url, **directives) as url:
        through = Client(client.http, url)
        async with watching(url, {item_id: 0}) as stream:
            assert (await stream.next())["snapshot"]["seq"] == "1"
            for number in range(1, 6):
                await through.ok("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": 1_000 * number})
                assert await stream.seqs(number + 1) == [number + 1]
        async with watching(url, {item_id: 6}, connect_timeout_ms="100") as stream:
            assert (await stream.end()).code == "deadline_exceeded"
        async with watching(url, {UNKNOWN_ID: 0}) as stream:
            assert (await stream.end()).code == "not_found"
