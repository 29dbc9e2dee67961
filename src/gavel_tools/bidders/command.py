"""The options of `gavel bidders` on the command line."""

from typing import Annotated

import typer

from gavel_tools.bidders import run_bidders
from gavel_tools.bidders.budgets import BUDGET_MAX
from gavel_tools.bidders.options import BIDDERS_MAX, DEFAULT_URL, ITEMS_MAX, SECONDS_MAX, BiddersOptions

ItemsOption = Annotated[
    int,
    typer.Option(
        min=1, max=ITEMS_MAX, help="Bid on up to so many of the open auctions; where all are too dear, some are made."
    ),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=BUDGET_MAX,
        help="An item is worth so many times its start price, or its buy-now price where it has one; 0: no limit.",
        show_default="3; 0 with --count",
    ),
]


def bidders(
    *,
    url: Annotated[str, typer.Option(help="The Gavel to bid at.")] = DEFAULT_URL,
    stats_url: Annotated[
        str, typer.Option(help="Its stats API, where that has another address.", show_default="as --url")
    ] = "",
    bidders: Annotated[int, typer.Option("--bidders", "-n", min=2, max=BIDDERS_MAX, help="How many bid at once.")] = 50,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=SECONDS_MAX, help="Stop after so long.", show_default="30, without --count"),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many bids.")] = None,
    items: ItemsOption = 20,
    create: Annotated[
        int, typer.Option(min=0, max=ITEMS_MAX, help="Bid on so many auctions made for the run instead.")
    ] = 0,
    ends_in: Annotated[
        float | None,
        typer.Option(
            min=1.0, max=SECONDS_MAX, help="With --create: they end after so many seconds.", show_default="an hour"
        ),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0.0, max=SECONDS_MAX, help="Each bidder rests so many seconds between two bids.")
    ] = 0.0,
    budget: BudgetOption = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same tempers.")] = 1,
    verify: Annotated[
        bool, typer.Option("--verify", help="Afterwards check bids, winners and totals; exit 1 on a difference.")
    ] = False,
    auth: Annotated[
        bool, typer.Option("--auth", help="Bid with tokens minted by this machine's key, as `gavel token` does.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the account as JSON; progress goes to stderr.")] = False,
) -> None:
    """Let simulated bidders bid at a Gavel, and tell how that went.

    Prices rise through the run to what the bidders would pay. For as many bids as the server takes: --budget 0.

    Each bid has an idempotency key, and is asked again with it until there is an answer.
    """
    options = BiddersOptions(
        url=url,
        stats_url=stats_url,
        bidders=bidders,
        seconds=seconds,
        count=count,
        items=items,
        create=create,
        ends_in_seconds=ends_in,
        pause_seconds=pause,
        budget=budget,
        seed=seed,
        verify=verify,
        json=json,
        auth=auth,
    )
    raise typer.Exit(run_bidders(options))
