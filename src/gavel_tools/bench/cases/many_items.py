"""Many items: bids seldom meet, and only throughput counts."""

from gavel_tools.bench.cases.bids_under_load import BidsUnderLoad, rates

MANY_ITEMS = BidsUnderLoad(
    name="many_items",
    title="500 items",
    item_count=500,
    figures=rates(ceiling_share_at_least=0.19, naive_times_at_least=6),
)
