"""The rules of the lane on a real Postgres: who is answered when, and who is not decided at all."""

import asyncio
from datetime import datetime

import pytest

from gavel.bids.adapters.postgres.writing import auction_book, lane
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decide, Decision
from gavel.bids.domain.refusals import KeyReused
from gavel.bids.ports.book import Overloaded, Unavailable
from tests.auction_house import COMMIT_WAITS, House, explained, new_user, open_house, soon, unchanged, until

pytestmark = pytest.mark.integration


async def test_an_answer_comes_only_after_commit(new_house: House) -> None:
    item_id = await new_house.list_item()
    await new_house.pool.execute(COMMIT_WAITS)
    async with new_house.pool.acquire() as holder:
        await holder.execute("SELECT pg_advisory_lock(1)")
        bid = asyncio.create_task(new_house.bid(item_id, 5))
        await new_house.until_lane_waits()
        refused = asyncio.create_task(new_house.bid(item_id, 5))
        done, _ = await asyncio.wait([bid, refused], timeout=0.05)
        assert not done
        assert new_house.book.last_seen(item_id) is None, "a state was shown that is not committed"
        assert await new_house.amounts(item_id) == []
        await holder.execute("SELECT pg_advisory_unlock(1)")
    assert (await bid).auction.price == 5
    assert await new_house.amounts(item_id) == [5]
    await asyncio.wait([refused])


async def test_a_caller_that_goes_away_does_not_cancel_its_lane(house: House) -> None:
    item_id = await house.list_item()
    async with house.lock_held(item_id) as release:
        leaver, neighbour = (asyncio.create_task(house.bid(item_id, amount)) for amount in (1, 2))
        await house.until_lane_waits()
        leaver.cancel()
        await asyncio.wait([leaver])
        await release()
    assert leaver.cancelled()
    assert (await neighbour).auction.price == 2
    assert await house.no_lane_in_a_transaction()


async def test_a_command_whose_deadline_has_passed_is_dropped_before_it_is_decided(house: House) -> None:
    item_id = await house.list_item()
    decided: list[str] = []

    def deciding(name: str) -> Decide:
        def decide(auction: Auction, at: datetime) -> Decision:
            decided.append(name)
            return Decision(auction, at)

        return decide

    async with house.lock_held(item_id) as release:
        patient = asyncio.create_task(house.decide(item_id, deciding("patient")))
        taken = asyncio.create_task(house.decide(item_id, deciding("taken"), soon(0.1)))
        await house.until_lane_waits()
        waiting = asyncio.create_task(house.decide(item_id, deciding("waiting"), soon(0.1)))
        results = await asyncio.gather(taken, waiting, return_exceptions=True)
        assert explained(results) == {"DeadlineExceeded": 2}
        await release()
    await patient
    await house.decide(item_id, deciding("later"))
    assert decided == ["patient", "later"]


async def test_a_full_lane_answers_with_a_retry_hint_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "LANE_COMMANDS_MAX", 3)
    item_id = await house.list_item()
    async with house.lock_held(item_id) as release:
        taken = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        waiting = [asyncio.create_task(house.bid(item_id, amount)) for amount in (1, 2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as refused:
            await house.bid(item_id, 4)
        assert refused.value.retry_after_seconds > 0
        await release()
    await asyncio.gather(taken, *waiting)
    await house.bid(item_id, 4)
    assert await house.amounts(item_id) == [1, 2, 3, 4]


async def test_keys_accepted_earlier_in_the_same_batch_are_replayed(house: House) -> None:
    item_id, user, other = await house.list_item(), new_user(), new_user()
    async with house.lock_held(item_id) as release:
        ahead = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        batch = [
            asyncio.create_task(house.bid(item_id, 7, by=user, key="k")),
            asyncio.create_task(house.bid(item_id, 9, by=other)),
            asyncio.create_task(house.bid(item_id, 7, by=user, key="k")),
            asyncio.create_task(house.bid(item_id, 8, by=user, key="k")),
        ]
        await release()
    first, overbid, replay, reused = await asyncio.gather(*batch, return_exceptions=True)
    await ahead
    assert isinstance(first, Answer)
    assert isinstance(overbid, Answer)
    assert isinstance(replay, Answer)
    assert (replay.bid, replay.replayed, first.replayed) == (first.bid, True, False)
    assert (first.auction.price, replay.auction.price) == (7, 9), "a replay has the item's present state"
    assert isinstance(reused, KeyReused)
    assert await house.amounts(item_id) == [7, 9]


async def test_an_item_locked_by_a_session_that_hangs_is_free_again_in_time(
    shared_bid_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that froze under the lock loses it, because its session gives a silent lane up."""
    async with open_house(shared_bid_db_url) as frozen, open_house(shared_bid_db_url) as other:
        item_id = await frozen.list_item()
        with monkeypatch.context() as hasty:
            hasty.setattr("gavel.bids.adapters.postgres.writing.batch.LANE_SILENCE_SECONDS_MAX", 0.2)
            await frozen.decide(item_id, unchanged)
        await frozen.lane_connections[-1].execute(f"BEGIN; EXECUTE lock_auctions ('{{{item_id}}}')")
        assert (await other.bid(item_id, 5)).auction.price == 5
        assert (await frozen.bid(item_id, 6)).auction.price == 6


async def test_stopping_answers_those_that_wait(shared_bid_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auction_book, "DRAIN_SECONDS_MAX", 60.0)
    async with open_house(shared_bid_db_url) as house:
        item_id = await house.list_item()
        bids = [asyncio.create_task(house.bid(item_id, amount)) for amount in range(1, 300)]
        await asyncio.sleep(0)
    assert explained(await asyncio.gather(*bids, return_exceptions=True)) == {"answers": 299}


async def test_a_lane_that_stops_in_the_middle_gives_no_wrong_answer(
    shared_bid_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auction_book, "DRAIN_SECONDS_MAX", 0.05)
    async with open_house(shared_bid_db_url) as looking_on:
        item_id = await looking_on.list_item()
        async with looking_on.lock_held(item_id):
            async with open_house(shared_bid_db_url) as house:
                taken = asyncio.create_task(house.bid(item_id, 1))
                await looking_on.until_lane_waits()
                waiting = asyncio.create_task(house.bid(item_id, 2))
                await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await house.bid(item_id, 3)
            results = await asyncio.gather(taken, waiting, return_exceptions=True)
        assert explained(results) == {"Unavailable": 2}
        await until(looking_on.no_lane_in_a_transaction)
        assert await looking_on.amounts(item_id) == []
