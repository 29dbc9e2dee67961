"""Welcome text of a Gavel started by hand: its address, open auctions, and a bid to paste."""

from datetime import datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import uuid4

from rich.style import Style
from rich.text import Text

from gavel.bids.domain.auction import Status
from gavel.bids.ports.catalogue import ItemView
from gavel.cli.console import money, open_console
from gavel.standalone import Standalone

ITEMS_SHOWN_MAX = 12


async def welcome(running: Standalone, address: str, *, crowd: bool) -> None:
    """Print the welcome text; with a crowd, it says that others bid."""
    items, at = await running.bids.catalogue.items(Status.ACTIVE, "", None, ITEMS_SHOWN_MAX)
    console = open_console()
    console.print("\n[bold]Gavel is open[/bold] at", _link(address), "  (Ctrl-C stops it; the data stays)\n")
    if running.page.is_built:
        rivals = "and bid against a small crowd." if crowd else "twice, and bid against yourself."
        console.print("Open", _link(address), f"in a browser, {rivals}")
        console.print("What the system does is at", _link(f"{address}/status"), end="\n\n")
    else:
        console.print(
            "The page is not built yet. `make demo` and `make page` build it with Node 20.19, 22.12 or newer, and"
            " then it is served here. The API needs none.\n"
        )
    if items:
        # Without rich, which would wrap text that is meant to be copied.
        print(_auctions(items, at), _paste(address, items[-1]), sep="\n", flush=True)  # noqa: T201


def _link(address: str) -> Text:
    # Not as markup: an IPv6 address has brackets.
    return Text(address, style=Style(link=address))


def _auctions(items: list[ItemView], at: datetime) -> str:
    """A line an item; the title last, since it is the one that a narrow terminal may break."""
    lines = [f"{'ends in':>7}  {'least bid':>13}  {'item_id':36}  item"]
    for item in items:
        ends_in = _time_left((item.auction.end_at - at).total_seconds())
        least_bid = money(item.auction.minimum_next_bid, item.auction.terms.currency)
        lines.append(f"{ends_in:>7}  {least_bid:>13}  {item.auction.item_id}  {item.listing.title}")
    return "\n".join(lines)


def _time_left(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, hours = minutes // 1440, minutes // 60
    if days:
        return f"{days} d"
    return f"{hours} h" if hours else f"{minutes} min"


def _paste(address: str, item: ItemView) -> str:
    user_id, amount = uuid4(), item.auction.minimum_next_bid
    bid = f'{{"item_id": "{item.auction.item_id}", "user_id": "{user_id}", "amount": {amount}}}'
    curl = curl_command(address)
    return f"""
Bid {money(amount, item.auction.terms.currency)} on it (amounts are in minor units), then ask for the bidder's totals:

{curl} -d '{bid}' {address}/bids.v1.BidService/PlaceBid

{curl} -d '{{"user_id": "{user_id}"}}' {address}/userstats.v1.UserStatsService/GetUserStats
"""


def curl_command(address: str) -> str:
    """The beginning of a curl command that posts JSON to `address`, never through a proxy of the environment."""
    directly = " --noproxy '*'" if getproxies() and not proxy_bypass(urlsplit(address).hostname or "") else ""
    return f'curl{directly} -X POST -H "Content-Type: application/json"'
