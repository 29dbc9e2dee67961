"""One hot item: every bid needs the same row lock."""

from gavel_tools.bench.cases.bids_under_load import BidsUnderLoad, rates

ONE_ITEM = BidsUnderLoad(
    name="one_item",
    title="One hot item",
    item_count=1,
    figures=rates(ceiling_share_at_least=0.25, naive_times_at_least=45),
)
