"""COMMIT of unknown fate: never success, never a refusal, never run again. And what fails before COMMIT is sent."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from gavel.bids.domain.auction import Auction, ItemId, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.decision import Decide, Decision, RetryKey
from gavel.bids.ports.book import Unavailable
from tests.auction_house import House, new_user, open_house, soon, unchanged, until
from tests.servers.fault_proxy import FaultProxy, Towards, fault_proxy, upstream_of

pytestmark = [pytest.mark.integration, pytest.mark.fault]

COMMIT = b"COMMIT\0"
BEGIN = b"BEGIN ISOLATION LEVEL"


class Counted:
    """A bid's decision that counts how often it is made."""

    def __init__(self, user: UserId, amount: int) -> None:
        self.times = 0
        self._bid = new_bid(user, amount, 0)

    def __call__(self, auction: Auction, at: datetime) -> Decision:
        self.times += 1
        return place_bid(auction, at, self._bid)


@pytest.fixture
async def proxy(shared_bid_db_url: str) -> AsyncGenerator[FaultProxy]:
    """A proxy before the server."""
    async with fault_proxy(upstream_of(shared_bid_db_url)) as proxy:
        yield proxy


@pytest.fixture
async def house(shared_bid_db_url: str, proxy: FaultProxy) -> AsyncGenerator[House]:
    """A house whose lane, and nothing else, goes by way of the proxy."""
    async with open_house(shared_bid_db_url, proxy.url(shared_bid_db_url)) as house:
        yield house


async def _unknown(house: House, item_id: ItemId, decide: Decide, key: RetryKey | None = None) -> None:
    with pytest.raises(Unavailable, match="may not have been accepted"):
        await house.book.update(item_id, decide, call=soon(), key=key)


async def test_cut_after_commit_was_sent_is_unknown_and_a_retry_with_the_key_returns_the_first_acceptance(
    house: House, proxy: FaultProxy
) -> None:
    item_id, user = await house.list_item(), new_user()
    decide, key = Counted(user, 5), RetryKey(user, "k", "five")
    await house.decide(item_id, unchanged)
    cut = proxy.cut_after(COMMIT, Towards.SERVER)
    await _unknown(house, item_id, decide, key)
    assert cut.struck.is_set()
    assert decide.times == 1
    await until(house.no_lane_in_a_transaction)
    assert await house.bids(item_id) == [(2, 5)], "the unknown commit did happen"
    answer = await house.book.update(item_id, decide, call=soon(), key=key)
    assert answer.bid is not None
    assert (answer.replayed, answer.bid.seq, decide.times) == (True, 2, 1)
    assert await house.bids(item_id) == [(2, 5)]


async def test_a_commit_that_never_arrived_is_unknown_too_and_a_retry_is_a_first_acceptance(
    house: House, proxy: FaultProxy
) -> None:
    item_id, user = await house.list_item(), new_user()
    decide, key = Counted(user, 5), RetryKey(user, "k", "five")
    await house.decide(item_id, unchanged)
    proxy.cut_before(COMMIT, Towards.SERVER)
    await _unknown(house, item_id, decide, key)
    await until(house.no_lane_in_a_transaction)
    assert await house.amounts(item_id) == []
    answer = await house.book.update(item_id, decide, call=soon(), key=key)
    assert (answer.replayed, decide.times) == (False, 2)
    assert await house.amounts(item_id) == [5]


async def test_every_caller_of_the_batch_gets_the_unknown_fate(house: House, proxy: FaultProxy) -> None:
    item_id = await house.list_item()
    async with house.lock_held(item_id) as release:
        ahead = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        accepted = asyncio.create_task(house.bid(item_id, 5))
        refused = asyncio.create_task(house.bid(item_id, 1, key="k"))
        proxy.cut_after(COMMIT, Towards.SERVER)
        await release()
    results = await asyncio.gather(ahead, accepted, refused, return_exceptions=True)
    assert [type(result) for result in results[1:]] == [Unavailable, Unavailable], "a refusal may not be true either"


async def test_a_commit_that_is_answered_by_rollback_is_no_success(house: House, proxy: FaultProxy) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, unchanged)
    exchanged = proxy.exchange(COMMIT, b"ABORT \0", Towards.SERVER)
    await _unknown(house, item_id, Counted(new_user(), 5))
    assert exchanged.struck.is_set()
    assert await house.amounts(item_id) == []
    assert (await house.bid(item_id, 6)).auction.price == 6


async def test_a_commit_that_the_server_refuses_is_not_run_again(new_house: House) -> None:
    item_id, decide = await new_house.list_item(), Counted(new_user(), 5)
    await new_house.pool.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE serialization_failure; END $$;"
        "CREATE CONSTRAINT TRIGGER commit_fails AFTER INSERT ON bids DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    await _unknown(new_house, item_id, decide)
    assert decide.times == 1
    assert await new_house.amounts(item_id) == []


async def test_a_commit_without_an_answer_ends_in_time(
    house: House, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, unchanged)

    def then_nothing(auction: Auction, at: datetime) -> Decision:
        proxy.hold()
        return place_bid(auction, at, new_bid(new_user(), 5, 0))

    with monkeypatch.context() as hasty:
        hasty.setattr("gavel.bids.adapters.postgres.writing.batch.LANE_STATEMENT_SECONDS_MAX", 0.3)
        with pytest.raises(Unavailable):
            await house.decide(item_id, then_nothing)
    proxy.behave()
    assert (await house.bid(item_id, 6)).auction.price == 6


async def test_a_stale_connection_is_replaced_without_an_error(house: House, proxy: FaultProxy) -> None:
    item_id, decide = await house.list_item(), Counted(new_user(), 5)
    await house.decide(item_id, unchanged)
    cut = proxy.cut_before(BEGIN, Towards.SERVER)
    assert (await house.decide(item_id, decide)).auction.price == 5
    assert cut.struck.is_set()
    assert (decide.times, proxy.connections_made) == (1, 2)


async def test_a_lane_that_was_cut_off_while_idle_goes_on(house: House, proxy: FaultProxy) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, unchanged)
    proxy.cut_all()
    assert (await house.bid(item_id, 5)).auction.price == 5


async def test_cut_before_commit_was_sent_nothing_was_stored_and_the_answer_is_unavailable(
    house: House, proxy: FaultProxy
) -> None:
    item_id, user = await house.list_item(), new_user()
    decide = Counted(user, 5)
    await house.decide(item_id, unchanged)
    cut = proxy.cut_after(user.encode(), Towards.SERVER)
    with pytest.raises(Unavailable, match="was not decided"):
        await house.decide(item_id, decide)
    assert cut.struck.is_set()
    assert decide.times == 1
    await until(house.no_lane_in_a_transaction)
    assert await house.amounts(item_id) == []
    assert (await house.bid(item_id, 6)).auction.price == 6


async def test_a_victim_of_a_deadlock_is_tried_once_more(new_house: House) -> None:
    item_id, decide = await new_house.list_item(), Counted(new_user(), 5)
    await new_house.pool.execute(
        "CREATE SEQUENCE tries; CREATE FUNCTION fail_first() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF nextval('tries') = 1 THEN RAISE deadlock_detected; END IF; RETURN NULL; END $$;"
        "CREATE TRIGGER fails_first AFTER INSERT ON bids FOR EACH ROW EXECUTE FUNCTION fail_first()"
    )
    assert (await new_house.decide(item_id, decide)).auction.price == 5
    assert decide.times == 2
    assert await new_house.amounts(item_id) == [5]
