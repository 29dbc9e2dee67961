"""The options of `gavel bidders` on the command line."""

from typing import Annotated

import typer

from gavel_tools.bidders import run_bidders
from gavel_tools.bidders.budgets import BUDGET_MAX
from gavel_tools.bidders.options import BIDDERS_MAX, DEFAULT_URL, ITEMS_MAX, SECONDS_MAX, BiddersOptions

ItemsOption = Annotated[
    int,
    typer.Option(
        min=1, max=ITEMS_MAX, help="Bid on up to so many open auctions; if all exceed the budgets, new ones are listed."
    ),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=BUDGET_MAX,
        help="A bidder's limit: so many times the start price, or the buy-now price if there is one; 0: no limit.",
        show_default="3; 0 with --count",
    ),
]


def bidders(
    *,
    url: Annotated[str, typer.Option(help="Address of the bid API.")] = DEFAULT_URL,
    stats_url: Annotated[
        str, typer.Option(help="Address of the stats API, if it differs.", show_default="as --url")
    ] = "",
    bidders: Annotated[int, typer.Option("--bidders", "-n", min=2, max=BIDDERS_MAX, help="How many bidders.")] = 50,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, max=SECONDS_MAX, help="Stop after so many seconds.", show_default="30, without --count"),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many bids.")] = None,
    items: ItemsOption = 20,
    create: Annotated[
        int, typer.Option(min=0, max=ITEMS_MAX, help="List so many new auctions, and bid on those alone.")
    ] = 0,
    ends_in: Annotated[
        float | None,
        typer.Option(min=1.0, max=SECONDS_MAX, help="With --create: seconds until they end.", show_default="an hour"),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0.0, max=SECONDS_MAX, help="Pause of each bidder between two bids, in seconds.")
    ] = 0.0,
    budget: BudgetOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the bidders' behaviour.")] = 1,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check bids, winners and totals afterwards; exit status 1 on a difference.")
    ] = False,
    auth: Annotated[
        bool, typer.Option("--auth", help="Bid with tokens signed by this machine's key, as `gavel token` signs them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON; progress goes to stderr.")] = False,
) -> None:
    """Let simulated bidders bid at a running Gavel, and print a report.

    Prices rise during the run up to the bidders' limits. For maximum load use --budget 0.

    Each bid has an idempotency key and is retried with it until it is answered.
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
