"""Many items: bids seldom meet, and only throughput counts."""

from gavel_tools.bench.cases.bids_under_load import BidsUnderLoad, rates

MANY_ITEMS = BidsUnderLoad(
    name="many_items",
    title="500 items",
    item_count=500,
    figures=rates(at_least=6_000, naive_times_at_least=2.5),
)
