"""What every StatsBook promises. An implementation's test class inherits the suite and gives it a book."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gavel.userstats.domain.events import BidPlaced, Event, NothingToCount
from gavel.userstats.domain.ids import EventId
from gavel.userstats.domain.user_stats import UserStats
from gavel.userstats.ports import RebuildRunning, StatsBook, TopPosition
from tests.unit.userstats.histories import (
    a_bid,
    a_history,
    a_sale,
    a_user,
    an_item,
    fresh_id,
    totals_in,
    totals_of,
)
from tests.unit.userstats.messages import after

MONTH = timedelta(days=30)
LONG_AGO = datetime.now(UTC) - timedelta(days=40)
EVERYONE = [a_user(number) for number in range(12)]


async def log_of(*batches: Sequence[Event]) -> AsyncIterator[Sequence[Event]]:
    """A log that gives these batches."""
    for batch in batches:
        yield batch


class CountingSuite:
    """Totals, and the ids that make each event count once."""

    async def test_every_field_of_the_contract_is_counted(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_bid(1, 500, item=1, at=after(1)), a_bid(1, 800, item=2, at=after(3))])
        await stats_book.count([a_bid(1, 600, item=1, at=after(2)), a_sale(7, 1, 800, item=2, at=after(9))])
        await stats_book.count([a_sale(1, 8, 50, item=5, at=after(4))])
        assert await stats_book.stats_of(a_user(1)) == UserStats(
            user_id=a_user(1),
            total_bids=3,
            total_amount=1_900,
            last_updated_at=after(9),
            last_bid_at=after(3),
            highest_bid=800,
            items_bid_on=2,
            items_won=1,
            amount_won=800,
            items_sold=1,
            amount_sold=50,
        )

    async def test_a_user_without_events_is_unknown(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_bid(1, 500), NothingToCount(fresh_id(), after(0))])
        assert await stats_book.stats_of(a_user(2)) is None

    async def test_a_seller_is_known_from_the_first_sale_on(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_sale(1, 2, 900, at=after(5))])
        seller = await stats_book.stats_of(a_user(1))
        assert seller is not None
        assert (seller.items_sold, seller.amount_sold, seller.total_bids, seller.last_bid_at) == (1, 900, 0, None)

    async def test_an_event_counts_once_however_often_it_is_given(self, stats_book: StatsBook) -> None:
        bid, other = a_bid(1, 500), a_bid(1, 700)
        first = await stats_book.count([bid, bid, other])
        assert (first.new, first.duplicates, list(first.forgotten)) == (2, 1, [])
        again = await stats_book.count([other, bid])
        assert (again.new, again.duplicates) == (0, 2)
        assert await totals_in(stats_book, EVERYONE) == totals_of([bid, other])

    async def test_counting_nothing_is_allowed(self, stats_book: StatsBook) -> None:
        counted = await stats_book.count([])
        assert (counted.new, counted.duplicates) == (0, 0)

    async def test_the_last_bid_never_moves_back(self, stats_book: StatsBook) -> None:
        late, early = a_bid(1, 500, at=after(60)), a_bid(1, 900, at=after(1))
        await stats_book.count([late])
        await stats_book.count([early])
        stats = await stats_book.stats_of(a_user(1))
        assert stats is not None
        assert stats.last_bid_at == stats.last_updated_at == after(60)
        assert stats.highest_bid == 900

    async def test_sums_stop_at_the_greatest_number_of_the_contract_and_block_nothing(
        self, stats_book: StatsBook
    ) -> None:
        greatest = 10**15
        bids = [a_bid(1, greatest) for _ in range(9_300)]
        await stats_book.count(bids[:4_000])
        await stats_book.count(bids[4_000:8_000])
        await stats_book.count(bids[8_000:])
        stats = await stats_book.stats_of(a_user(1))
        assert stats is not None
        assert (stats.total_bids, stats.total_amount, stats.highest_bid) == (9_300, 2**63 - 1, greatest)

    @pytest.mark.fault
    @pytest.mark.parametrize("seed", range(3))
    async def test_each_event_ten_times_out_of_order_and_interleaved_gives_the_totals_of_one_delivery(
        self, stats_book: StatsBook, seed: int
    ) -> None:
        history = a_history(seed, 400)
        deliveries = [event for event in history for _ in range(10)]
        random.Random(seed).shuffle(deliveries)
        new = 0
        for first in range(0, len(deliveries), 170):
            new += (await stats_book.count(deliveries[first : first + 170])).new
        assert new == len(history)
        assert await totals_in(stats_book, EVERYONE) == totals_of(history)

    async def test_two_counters_at_once_count_each_event_once(self, stats_book: StatsBook) -> None:
        history = a_history(7, 600)

        async def counter(seed: int) -> int:
            chance, new = random.Random(seed), 0
            for _ in range(6):
                mine = list(history)
                chance.shuffle(mine)
                for first in range(0, len(mine), 150):
                    new += (await stats_book.count(mine[first : first + 150])).new
            return new

        assert sum(await asyncio.gather(*(counter(seed) for seed in range(4)))) == len(history)
        assert await totals_in(stats_book, EVERYONE) == totals_of(history)

    async def test_the_list_of_top_bidders_is_ordered_by_what_they_spent_on_won_items(
        self, stats_book: StatsBook
    ) -> None:
        spent = {1: 500, 2: 9_000, 3: 0, 4: 500, 5: 70}
        events: list[Event] = [a_bid(user, 10) for user in spent]
        events += [a_sale(9, user, amount) for user, amount in spent.items() if amount]
        await stats_book.count(events)
        everyone = await stats_book.top_bidders(None, 100)
        assert [stats.amount_won for stats in everyone] == [9_000, 500, 500, 70, 0]
        assert {stats.user_id: stats for stats in everyone} == {
            user: stats for user, stats in totals_of(events).items() if user != a_user(9)
        }

    async def test_pages_of_top_bidders_show_each_once_also_where_many_are_equal(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_bid(user, 10) for user in range(7)])
        seen: list[UserStats] = []
        position = None
        while page := await stats_book.top_bidders(position, 2):
            assert len(page) <= 2
            seen += page
            position = TopPosition(page[-1].amount_won, page[-1].user_id)
        assert [stats.user_id for stats in seen] == [stats.user_id for stats in await stats_book.top_bidders(None, 100)]
        assert {stats.user_id for stats in seen} == {a_user(number) for number in range(7)}


class ForgettingSuite:
    """Ids are let go of by age, and never does an event count twice for it."""

    async def test_a_forgotten_event_is_not_counted_again(self, stats_book: StatsBook) -> None:
        old, recent = a_bid(1, 500, at=LONG_AGO), a_bid(1, 700)
        await stats_book.count([old, recent])
        assert await stats_book.forget(MONTH, 100) == 1
        counted = await stats_book.count([old, recent])
        assert (counted.new, counted.duplicates, list(counted.forgotten)) == (0, 1, [old.event_id])
        assert await totals_in(stats_book, EVERYONE) == totals_of([old, recent])

    async def test_an_event_that_comes_too_late_is_named_and_the_others_count(self, stats_book: StatsBook) -> None:
        late, recent, newest = a_bid(1, 500, at=LONG_AGO), a_bid(2, 700), a_bid(3, 900)
        await stats_book.count([newest])
        assert await stats_book.forget(MONTH, 100) == 0
        counted = await stats_book.count([late, recent])
        assert (counted.new, list(counted.forgotten)) == (1, [late.event_id])
        assert await totals_in(stats_book, EVERYONE) == totals_of([recent, newest])

    async def test_what_was_owed_over_a_long_stop_of_everything_counts_all_the_same(
        self, stats_book: StatsBook
    ) -> None:
        before, owed = a_bid(1, 500, at=LONG_AGO), a_bid(1, 700, at=LONG_AGO + timedelta(days=1))
        await stats_book.count([before])
        assert await stats_book.forget(MONTH, 100) == 0
        assert (await stats_book.count([owed])).new == 1
        assert await totals_in(stats_book, EVERYONE) == totals_of([before, owed])

    async def test_forgetting_goes_in_bounded_steps(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_bid(2, 500), *(a_bid(1, 500, at=LONG_AGO) for _ in range(5))])
        assert [await stats_book.forget(MONTH, 2) for _ in range(4)] == [2, 2, 1, 0]

    async def test_the_horizon_never_moves_back(self, stats_book: StatsBook) -> None:
        bid = a_bid(1, 500, at=LONG_AGO)
        await stats_book.count([a_bid(2, 500)])
        await stats_book.forget(MONTH, 100)
        await stats_book.forget(timedelta(days=365), 100)
        assert list((await stats_book.count([bid])).forgotten) == [bid.event_id]

    async def test_an_id_without_a_time_is_kept(self, stats_book: StatsBook) -> None:
        bid = BidPlaced(EventId("00000000-0000-4000-8000-00000000abcd"), LONG_AGO, an_item(1), a_user(1), 500)
        await stats_book.count([bid, a_bid(1, 700)])
        assert await stats_book.forget(MONTH, 100) == 0
        assert (await stats_book.count([bid])).duplicates == 1


class RebuildingSuite:
    """All totals counted again from the log, beside live counting."""

    async def test_a_rebuild_makes_the_same_totals(self, stats_book: StatsBook) -> None:
        history = a_history(11, 300)
        await stats_book.count(history)
        live = await totals_in(stats_book, EVERYONE)
        assert await stats_book.rebuild(log_of(history[200:], history[:200])) == 300
        assert await totals_in(stats_book, EVERYONE) == live == totals_of(history)

    async def test_a_rebuild_replaces_what_was_wrong(self, stats_book: StatsBook) -> None:
        await stats_book.count([a_bid(1, 500), a_bid(2, 900)])
        truth = [a_bid(1, 777)]
        await stats_book.rebuild(log_of(truth))
        assert await totals_in(stats_book, EVERYONE) == totals_of(truth)

    async def test_what_is_counted_live_meanwhile_counts_once_whether_the_log_gives_it_or_not(
        self, stats_book: StatsBook
    ) -> None:
        history = a_history(13, 400)
        before, both, live_only, after_swap = history[:100], history[100:200], history[200:300], history[300:]

        async def log() -> AsyncIterator[Sequence[Event]]:
            await stats_book.count(live_only[:50])
            await stats_book.count(before[:10])
            yield before
            await stats_book.count(both[50:])
            yield both
            await stats_book.count(both[:50])
            await stats_book.count(live_only)

        await stats_book.count(before)
        await stats_book.rebuild(log())
        assert await totals_in(stats_book, EVERYONE) == totals_of(before + both + live_only)
        assert (await stats_book.count(before + both + live_only)).duplicates == 300
        assert (await stats_book.count(after_swap)).new == 100
        assert await totals_in(stats_book, EVERYONE) == totals_of(history)

    async def test_the_old_totals_are_shown_until_the_new_ones_are_whole(self, stats_book: StatsBook) -> None:
        old, new = a_bid(1, 500), [a_bid(1, 10), a_bid(1, 20)]
        seen: list[UserStats | None] = []

        async def log() -> AsyncIterator[Sequence[Event]]:
            for bid in new:
                yield [bid]
                seen.append(await stats_book.stats_of(a_user(1)))

        await stats_book.count([old])
        await stats_book.rebuild(log())
        assert seen == 2 * [totals_of([old])[a_user(1)]]
        assert await stats_book.stats_of(a_user(1)) == totals_of(new)[a_user(1)]

    async def test_a_rebuild_that_fails_leaves_everything_and_can_be_run_again(self, stats_book: StatsBook) -> None:
        history = a_history(17, 100)

        async def broken() -> AsyncIterator[Sequence[Event]]:
            yield history[:50]
            raise EOFError("the log breaks off")

        await stats_book.count(history[:80])
        with pytest.raises(EOFError):
            await stats_book.rebuild(broken())
        assert await totals_in(stats_book, EVERYONE) == totals_of(history[:80])
        await stats_book.count(history[80:])
        for _ in range(2):
            assert await stats_book.rebuild(log_of(history)) == 100
            assert await totals_in(stats_book, EVERYONE) == totals_of(history)

    async def test_a_second_rebuild_at_once_is_refused_and_the_first_goes_on(self, stats_book: StatsBook) -> None:
        history = a_history(19, 60)

        async def log() -> AsyncIterator[Sequence[Event]]:
            yield history[:30]
            with pytest.raises(RebuildRunning):
                await stats_book.rebuild(log_of(history))
            yield history[30:]

        assert await stats_book.rebuild(log()) == 60
        assert await totals_in(stats_book, EVERYONE) == totals_of(history)

    async def test_what_is_too_old_to_count_live_is_counted_by_a_rebuild(self, stats_book: StatsBook) -> None:
        old, recent = a_bid(1, 500, at=LONG_AGO), a_bid(1, 700)
        await stats_book.count([recent])
        await stats_book.forget(MONTH, 100)
        await stats_book.count([old])
        assert await stats_book.rebuild(log_of([old, recent])) == 2
        assert await totals_in(stats_book, EVERYONE) == totals_of([old, recent])
        again = await stats_book.count([old, recent])
        assert (again.new, again.duplicates, list(again.forgotten)) == (0, 1, [old.event_id])

    async def test_forgetting_while_a_rebuild_runs_counts_nothing_twice(self, stats_book: StatsBook) -> None:
        old, recent = a_bid(1, 500, at=LONG_AGO), a_bid(1, 700)

        async def log() -> AsyncIterator[Sequence[Event]]:
            await stats_book.count([old, recent])
            assert await stats_book.forget(MONTH, 100) > 0
            yield [old, recent]

        await stats_book.rebuild(log())
        assert await totals_in(stats_book, EVERYONE) == totals_of([old, recent])

    async def test_counters_that_never_rest_and_a_rebuild_agree(self, stats_book: StatsBook) -> None:
        history = a_history(23, 1_200)
        published = 0
        rebuilt = asyncio.Event()

        async def counter(seed: int) -> None:
            """Give what is published again and again, in any order, until the rebuild is done, and once more."""
            chance = random.Random(seed)
            while True:
                last_round = rebuilt.is_set()
                mine = history[:published]
                chance.shuffle(mine)
                for first in range(0, len(mine), 100):
                    await stats_book.count(mine[first : first + 100])
                await asyncio.sleep(0)
                if last_round:
                    return

        async def log() -> AsyncIterator[Sequence[Event]]:
            nonlocal published
            for first in range(0, 900, 100):
                published = first + 400
                yield history[first : first + 100]

        async def rebuild() -> None:
            nonlocal published
            await stats_book.rebuild(log())
            published = len(history)
            rebuilt.set()

        await stats_book.count(history[:50])
        await asyncio.gather(rebuild(), counter(1), counter(2))
        assert await totals_in(stats_book, EVERYONE) == totals_of(history)


class StatsBookSuite(CountingSuite, ForgettingSuite, RebuildingSuite):
    """The promises of the port."""
