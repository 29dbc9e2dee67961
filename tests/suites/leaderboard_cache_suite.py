"""What every LeaderboardCache promises. An implementation's test class inherits the suite and gives it a cache."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gavel.bids.domain.auction import Auction, ItemId, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.increments import AMOUNT_MAX, BidIncrement
from gavel.bids.domain.leaderboards import BOARD_BIDDERS_MAX, Leaderboard, LeaderboardEntry
from gavel.bids.domain.listing import Draft, list_item
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Change
from gavel.bids.ports.leaderboards import LEADERBOARD_ENTRIES_MAX, LeaderboardCache

AT = datetime(2030, 1, 1, tzinfo=UTC)
ALL = LEADERBOARD_ENTRIES_MAX


class Bidding:
    """An auction on which bids are decided by the rules, with the board that its bids add up to."""

    def __init__(self) -> None:
        draft = Draft(
            seller_id=new_bidder(),
            listing=Listing(title="A thing"),
            start_at=None,
            end_at=AT + timedelta(days=1),
            start_price=1,
            increment=BidIncrement(fixed=1),
        )
        self.auction: Auction = list_item(draft, ItemId(str(uuid4())), AT, "USD").auction
        self.item_id = self.auction.item_id
        self.bids: list[BidPlaced] = []

    def bid(self, user_id: UserId, amount: int, max_amount: int = 0) -> Change:
        """Decide a bid; the change that its commit would tell of."""
        before = self.auction
        decision = place_bid(before, AT + timedelta(seconds=before.seq), new_bid(user_id, amount, max_amount))
        self.auction = decision.auction
        self.bids += [event for event in decision.events if isinstance(event, BidPlaced)]
        return Change(decision.auction, before.revision, decision.events)

    def board(self, limit: int = ALL) -> Leaderboard:
        """The board by the contract's words, from all the bids."""
        highest = {bid.user_id: bid for bid in self.bids}
        counts = {user_id: sum(bid.user_id == user_id for bid in self.bids) for user_id in highest}
        leader_seq = self.auction.last_bid_seq
        ordered = sorted(highest.values(), key=lambda bid: (-bid.amount, bid.seq != leader_seq, bid.seq))
        entries = [LeaderboardEntry(bid.user_id, bid.amount, bid.seq, counts[bid.user_id]) for bid in ordered]
        return Leaderboard(self.auction.revision, self.auction.seq, leader_seq, tuple(entries[:limit]))


def new_bidder() -> UserId:
    """Somebody new."""
    return UserId(str(uuid4()))


def joined(changes: Sequence[Change]) -> Change:
    """One change out of several in a row, as a batch commits them."""
    events = tuple(event for change in changes for event in change.events)
    return Change(changes[-1].auction, changes[0].revision_before, events)


A, B, C, D = (new_bidder() for _ in range(4))


class LeaderboardCacheSuite:
    """The promises of the port."""

    async def test_where_nothing_is_kept_there_is_no_board(self, cache: LeaderboardCache) -> None:
        assert await cache.read(Bidding().item_id, ALL) is None

    async def test_a_board_is_read_as_it_was_stored(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        for number, bidder in enumerate((A, B, C, A, B), start=1):
            bidding.bid(bidder, 100 * number)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        assert await cache.read(bidding.item_id, ALL) == bidding.board()
        assert await cache.read(bidding.item_id, 2) == bidding.board(2)
        assert len(bidding.board(2).entries) == 2

    async def test_the_board_of_an_item_without_bids_is_kept_and_takes_the_first(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        assert await cache.read(bidding.item_id, ALL) == bidding.board()
        await cache.apply([bidding.bid(A, 5)])
        kept = await cache.read(bidding.item_id, ALL)
        assert kept == bidding.board()
        assert [entry.user_id for entry in bidding.board().entries] == [A]

    async def test_a_change_moves_the_board_of_the_revision_before_it(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        bidding.bid(A, 10)
        bidding.bid(B, 20)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        await cache.apply([bidding.bid(A, 30), bidding.bid(C, 40)])
        assert await cache.read(bidding.item_id, ALL) == bidding.board()
        assert [entry.bid_count for entry in bidding.board().entries] == [1, 2, 1]

    async def test_all_the_bids_of_one_change_count(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        batch = [bidding.bid(bidder, amount) for amount, bidder in enumerate((A, B, A, B, A, C), start=1)]
        await cache.apply([joined(batch)])
        assert await cache.read(bidding.item_id, ALL) == bidding.board()
        assert [entry.bid_count for entry in bidding.board().entries] == [1, 3, 2]

    async def test_a_change_without_a_bid_moves_the_revision_only(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        bidding.bid(A, 10)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        raised = bidding.bid(A, 10, 500)
        assert raised.events == ()
        await cache.apply([raised])
        assert await cache.read(bidding.item_id, ALL) == bidding.board()

    async def test_a_change_to_a_board_that_is_not_kept_makes_none(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        await cache.apply([bidding.bid(A, 10)])
        assert await cache.read(bidding.item_id, ALL) is None

    @pytest.mark.fault
    async def test_a_late_writer_with_an_older_state_changes_nothing(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        await cache.store(bidding.item_id, old := bidding.board(), whole=True)
        first, second = bidding.bid(A, 10), bidding.bid(B, 20)
        await cache.apply([first, second])
        await cache.apply([first])
        await cache.apply([second])
        await cache.store(bidding.item_id, old, whole=True)
        assert await cache.read(bidding.item_id, ALL) == bidding.board()

    async def test_a_change_after_a_gap_makes_the_board_be_forgotten(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        lost, after = bidding.bid(A, 10), bidding.bid(B, 20)
        await cache.apply([after])
        assert await cache.read(bidding.item_id, ALL) is None
        await cache.apply([lost])
        assert await cache.read(bidding.item_id, ALL) is None
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        assert await cache.read(bidding.item_id, ALL) == bidding.board()

    async def test_a_newer_board_takes_the_place_of_an_older_one(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        bidding.bid(A, 10)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        bidding.bid(B, 20)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        assert await cache.read(bidding.item_id, ALL) == bidding.board()

    async def test_amounts_are_exact_up_to_the_highest(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        bidding.bid(A, AMOUNT_MAX - 2)
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        await cache.apply([bidding.bid(B, AMOUNT_MAX - 1), bidding.bid(C, AMOUNT_MAX)])
        kept = await cache.read(bidding.item_id, ALL)
        assert kept is not None
        amounts = [(entry.user_id, entry.amount) for entry in kept.entries]
        assert amounts == [(C, 10**15), (B, 10**15 - 1), (A, 10**15 - 2)]

    async def test_numbers_of_bids_and_events_are_exact_up_to_the_highest(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        first = bidding.bid(A, 10)
        many = 10**15
        entry = LeaderboardEntry(A, 10, many, many)
        board = Leaderboard(many, many, many, (entry,))
        await cache.store(bidding.item_id, board, whole=True)
        assert await cache.read(bidding.item_id, ALL) == board
        [event] = [event._replace(seq=many + 1) for event in first.events if isinstance(event, BidPlaced)]
        auction = first.auction._replace(revision=many + 1, seq=many + 1, last_bid_seq=many + 1)
        await cache.apply([Change(auction, many, (event._replace(amount=11),))])
        moved = LeaderboardEntry(A, 11, many + 1, many + 1)
        assert await cache.read(bidding.item_id, ALL) == Leaderboard(many + 1, many + 1, many + 1, (moved,))

    async def test_on_a_tie_the_leader_stands_first_and_after_that_the_earlier_bid(
        self, cache: LeaderboardCache
    ) -> None:
        for first, second in ((A, B), (B, A)):
            bidding = Bidding()
            await cache.store(bidding.item_id, bidding.board(), whole=True)
            # Equal maxima: the first leads by an automatic bid at the amount of the second, which was a moment earlier.
            await cache.apply([bidding.bid(first, 10, 100), bidding.bid(second, 100)])
            kept = await cache.read(bidding.item_id, ALL)
            assert kept is not None
            assert [(entry.user_id, entry.amount) for entry in kept.entries] == [(first, 100), (second, 100)]
            assert await cache.read(bidding.item_id, 1) == bidding.board(1)
            await cache.apply([bidding.bid(C, 200)])
            kept = await cache.read(bidding.item_id, ALL)
            assert kept is not None
            assert [entry.user_id for entry in kept.entries] == [C, second, first]
            assert await cache.read(bidding.item_id, 2) == bidding.board(2)

    async def test_a_board_that_leaves_bidders_out_knows_only_those_that_it_has(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        for amount, bidder in enumerate((A, B, C), start=1):
            bidding.bid(bidder, amount)
        await cache.store(bidding.item_id, bidding.board(2), whole=False)
        await cache.apply([bidding.bid(B, 10)])
        assert await cache.read(bidding.item_id, ALL) == bidding.board(2)
        await cache.apply([bidding.bid(A, 20)])
        assert await cache.read(bidding.item_id, ALL) is None

    async def test_a_board_keeps_a_bounded_number_of_bidders_and_they_are_the_highest(
        self, cache: LeaderboardCache
    ) -> None:
        bidding = Bidding()
        bidders = [new_bidder() for _ in range(BOARD_BIDDERS_MAX + 2)]
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        changes = [bidding.bid(bidder, amount) for amount, bidder in enumerate(bidders, start=1)]
        await cache.apply([joined(changes)])
        assert await cache.read(bidding.item_id, len(bidders)) == bidding.board(BOARD_BIDDERS_MAX)
        await cache.apply([bidding.bid(bidders[2], 2_000)])
        assert await cache.read(bidding.item_id, ALL) == bidding.board(ALL)
        await cache.apply([bidding.bid(bidders[0], 3_000)])
        assert await cache.read(bidding.item_id, ALL) is None

    async def test_a_board_with_too_many_bidders_is_stored_without_the_lowest(self, cache: LeaderboardCache) -> None:
        bidding = Bidding()
        bidders = [new_bidder() for _ in range(BOARD_BIDDERS_MAX + 1)]
        for amount, bidder in enumerate(bidders, start=1):
            bidding.bid(bidder, amount)
        await cache.store(bidding.item_id, bidding.board(len(bidders)), whole=True)
        assert await cache.read(bidding.item_id, len(bidders)) == bidding.board(BOARD_BIDDERS_MAX)
        await cache.apply([bidding.bid(bidders[0], 2_000)])
        assert await cache.read(bidding.item_id, ALL) is None

    async def test_boards_of_several_items_are_moved_each_by_its_own_changes(self, cache: LeaderboardCache) -> None:
        one, other = Bidding(), Bidding()
        for bidding in (one, other):
            await cache.store(bidding.item_id, bidding.board(), whole=True)
        await cache.apply([one.bid(A, 10), other.bid(B, 20), one.bid(B, 30), other.bid(A, 40)])
        assert await cache.read(one.item_id, ALL) == one.board()
        assert await cache.read(other.item_id, ALL) == other.board()

    async def test_a_long_bidding_war_in_batches_leaves_the_board_of_its_bids(self, cache: LeaderboardCache) -> None:
        dice = random.Random(7)
        bidding = Bidding()
        await cache.store(bidding.item_id, bidding.board(), whole=True)
        bidders = [A, B, C, D]
        for _ in range(60):
            batch: list[Change] = []
            for _ in range(dice.randint(1, 4)):
                least = bidding.auction.minimum_next_bid
                bidder = dice.choice([each for each in bidders if each != bidding.auction.leader_id])
                batch.append(bidding.bid(bidder, least, least + dice.choice([0, 0, 1, 5, 5, 20])))
            await cache.apply([joined(batch)])
            assert await cache.read(bidding.item_id, ALL) == bidding.board()
        assert len(bidding.bids) > 100
