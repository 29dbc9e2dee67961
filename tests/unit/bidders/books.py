"""An item, its bids and what was answered about it, that agree."""

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.account import AcceptedBid, Commitment, ItemAccount
from gavel_tools.bidders.checks import item_differences
from gavel_tools.bidders.replay import BidRow

OURS = {"ann", "bob"}
END = 10_000


def row(seq: int, user_id: str, amount: int, *, automatic: bool = False, at: float = 100.0) -> BidRow:
    return BidRow(f"bid-{seq}", seq, user_id, amount, automatic, at)


# Ann's maximum of 300 meets Bob's 200: it answers at once, and equals his amount.
ROWS = (row(2, "ann", 100), row(3, "bob", 200), row(4, "ann", 250, automatic=True), row(5, "bob", 400))


class Books:
    """An item, its bids and what was answered, that agree; a test changes one of them."""

    def __init__(self) -> None:
        self.rows = list(ROWS)
        self.item = pb.Item(
            id="sextant",
            status=pb.ItemStatus.ACTIVE,
            seq=5,
            bid_count=4,
            current_highest_bid=400,
            highest_bidder_id="bob",
            end_at=Timestamp(seconds=END),
            soft_close=pb.SoftClose(window_seconds=60, extension_seconds=60, max_extension_seconds=600),
        )
        self.account = ItemAccount(
            accepted={
                "bid-2": AcceptedBid("ann", 2, 100),
                "bid-3": AcceptedBid("bob", 3, 200),
                "bid-5": AcceptedBid("bob", 5, 400),
            },
            commitments=[Commitment("ann", 2, 300), Commitment("bob", 3, 200), Commitment("bob", 5, 400)],
        )

    def replace_rows(self, *rows: BidRow) -> None:
        """Other bids, the last of which the item shows; those that Gavel did not place were answered."""
        self.rows = list(rows)
        self.item.seq, self.item.bid_count = rows[-1].seq, len(rows)
        self.item.current_highest_bid, self.item.highest_bidder_id = rows[-1].amount, rows[-1].user_id
        placed = [row for row in rows if not row.automatic]
        self.account.accepted = {row.bid_id: AcceptedBid(row.user_id, row.seq, row.amount) for row in placed}

    def differences(self) -> list[str]:
        return item_differences(self.item, self.rows, self.account, OURS)

    def end(self, *, sold: bool, winner_id: str = "", amount: int = 0) -> None:
        self.item.status = pb.ItemStatus.ENDED
        self.item.seq += 1
        self.item.outcome = pb.Outcome(sold=sold, winner_id=winner_id, amount=amount)
