"""One poisonous command of a batch fails alone, in words that give nothing away; the others are decided in order."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from traceback import format_exception

import pytest
from structlog.testing import capture_logs

from gavel.bids.adapters.postgres.failures import NotStorable
from gavel.bids.adapters.postgres.writing import auction_book, batch_runner
from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX
from gavel.bids.domain.auction import Auction, ItemId, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.texts import Listing, ListingChanges
from gavel.bids.ports.book import Unavailable
from tests.auction_house import COMMIT_WAITS, SELLER, House, explained, new_user, open_house, soon, unchanged, until

pytestmark = pytest.mark.integration

SECRET = 123_454_321


def _bid_and(spoil: Callable[[Auction], Auction]) -> Decide:
    """An accepted bid with a maximum nobody may learn, whose new state is then spoiled."""

    def decide(auction: Auction, at: datetime) -> Decision:
        decision = place_bid(auction, at, new_bid(new_user(), auction.minimum_next_bid, SECRET))
        return decision._replace(auction=spoil(decision.auction))

    return decide


def _good_bid(auction: Auction, at: datetime) -> Decision:
    return place_bid(auction, at, new_bid(new_user(), auction.minimum_next_bid, 0))


POISONS: dict[str, tuple[Decide, str]] = {
    "a check of the table": (_bid_and(lambda auction: auction._replace(leader_id=SELLER)), "k"),
    "a guard": (_bid_and(lambda auction: auction._replace(revision=auction.revision - 1)), "k"),
    "a number out of range": (_bid_and(lambda auction: auction._replace(leader_maximum=2**63 + SECRET)), "k"),
    "an id that is none": (_bid_and(lambda auction: auction._replace(leader_id=UserId("{nobody}"))), "k"),
    "a key with NUL": (_bid_and(lambda auction: auction), "\x00"),
    "a key that no encoding has": (_bid_and(lambda auction: auction), "\ud800"),
}


async def _in_one_batch(house: House, item_id: ItemId, decides: list[tuple[Decide, RetryKey | None]]) -> list[object]:
    """Run the commands in one batch, each on its own state of the item."""
    async with house.lock_held(item_id) as release:
        ahead = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        batch = [
            asyncio.create_task(house.book.update(item_id, decide, call=soon(), key=key)) for decide, key in decides
        ]
        await asyncio.sleep(0)
        await release()
    await ahead
    return await asyncio.gather(*batch, return_exceptions=True)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying apart may take as long as it takes here."""
    monkeypatch.setattr(batch_runner, "APART_SECONDS_MAX", 60.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("poison", POISONS)
async def test_one_poisonous_command_fails_alone_and_the_others_are_decided_in_order(house: House, poison: str) -> None:
    item_id = await house.list_item()
    decide, key = POISONS[poison]
    bids: list[tuple[Decide, RetryKey | None]] = [(_good_bid, None)] * 10
    poisonous = (decide, RetryKey(new_user(), key, "request"))
    results = await _in_one_batch(house, item_id, [*bids[:5], poisonous, *bids[5:]])
    assert isinstance(results[5], NotStorable)
    good = [result for result in results if isinstance(result, Answer)]
    assert [answer.auction.seq for answer in good] == sorted(answer.auction.seq for answer in good)
    assert len(good) == 10
    stored = await house.bids(item_id)
    assert [seq for seq, _ in stored] == list(range(2, len(stored) + 2))
    assert (await house.state(item_id))["seq"] == stored[-1][0]


@pytest.mark.usefixtures("patient")
async def test_one_of_a_whole_batch_of_256_fails_alone(house: House) -> None:
    item_id = await house.list_item()

    def bid(amount: int) -> Decide:
        return lambda auction, at: place_bid(auction, at, new_bid(new_user(), amount, 0))

    decides: list[tuple[Decide, RetryKey | None]] = [(bid(n + 1), None) for n in range(LANE_BATCH_COMMANDS_MAX)]
    decides[100] = (POISONS["a guard"][0], None)
    results = await _in_one_batch(house, item_id, decides)
    assert explained(results) == {"answers": 255, "NotStorable": 1}
    amounts = await house.amounts(item_id)
    assert amounts == [n + 1 for n in range(LANE_BATCH_COMMANDS_MAX) if n != 100]


def _change(auction: Auction, at: datetime) -> Decision:
    return update_item(auction, at, SELLER, ListingChanges(title="Another", category="elsewhere"))


def _cancel(auction: Auction, at: datetime) -> Decision:
    return cancel_item(auction, at, SELLER)


def _buy(auction: Auction, at: datetime) -> Decision:
    return buy_now(auction, at, new_user())


@pytest.mark.parametrize("ends", [_cancel, _buy])
async def test_a_change_and_the_end_of_the_same_item_in_one_batch_are_no_poison(house: House, ends: Decide) -> None:
    item_id = await house.list_item(buy_now_price=900, category="here")
    with capture_logs() as logs:
        results = await _in_one_batch(house, item_id, [(_change, None), (ends, None)])
    assert explained(results) == {"answers": 2}
    [at] = {result.at for result in results if isinstance(result, Answer)}
    assert [entry["event"] for entry in logs if entry["event"] == "batch_bisected"] == []
    state = await house.state(item_id)
    assert (state["category"], state["revision"], state["updated_at"]) == ("elsewhere", state["seq"] + 1, at)
    changed = await house.pool.fetchrow("SELECT * FROM listing_changes WHERE item_id = $1", item_id)
    assert changed is not None
    assert (changed["title"], changed["created_at"], changed["seq"]) == ("Another", at, 1)


async def test_bisecting_a_batch_is_bounded_in_time_and_the_rest_is_asked_to_retry(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_runner, "APART_SECONDS_MAX", 0.0)
    item_id = await house.list_item()
    bids: list[tuple[Decide, RetryKey | None]] = [(_good_bid, None)] * 9
    results = await _in_one_batch(house, item_id, [(POISONS["a guard"][0], None), *bids])
    assert isinstance(results[0], NotStorable | Unavailable)
    counts = explained(results)
    assert counts.get("answers", 0) < 9
    assert counts["Unavailable"] > 0
    assert len(await house.amounts(item_id)) == counts.get("answers", 0)


@pytest.mark.parametrize("poison", POISONS)
async def test_reports_of_poison_quote_no_value(house: House, poison: str) -> None:
    item_id = await house.list_item(reserve_price=SECRET + 1_000_000)
    decide, key = POISONS[poison]
    with pytest.raises(NotStorable) as told:
        await house.book.update(item_id, decide, call=soon(), key=RetryKey(new_user(), key, f"up to {SECRET}"))
    everything = "".join(format_exception(told.value)) + repr(told.value)
    for secret in (str(SECRET), str(SECRET + 1_000_000), str(2**63 + SECRET)):
        assert secret not in everything


async def test_a_listing_that_can_not_be_stored_quotes_no_value(house: House) -> None:
    item_id = await house.list_item(reserve_price=SECRET)
    auction = (await house.decide(item_id, unchanged)).auction

    def again(at: datetime) -> Decision:
        decision = place_bid(auction, at, new_bid(new_user(), 1, 0))
        return decision._replace(events=decision.events[:1])

    with pytest.raises(NotStorable) as told:
        await house.book.open(again, Listing(title="the same id again"), call=soon())
    assert str(SECRET) not in "".join(format_exception(told.value))


async def test_poison_costs_no_connection(house: House) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, unchanged)
    with pytest.raises(NotStorable):
        await house.decide(item_id, POISONS["a guard"][0])
    await house.bid(item_id, 1)
    assert len(house.lane_connections) == 1


async def test_a_lane_that_stops_while_it_tries_apart_answers_everyone(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auction_book, "DRAIN_SECONDS_MAX", 0.05)
    item_id = await new_house.list_item()
    await new_house.pool.execute(COMMIT_WAITS)

    async def commit_waits() -> bool:
        return await new_house.pool.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory')"
        )

    async with new_house.pool.acquire() as holder:
        await holder.execute("SELECT pg_advisory_lock(1)")
        async with open_house(new_house.url) as stopping:
            decides: list[tuple[Decide, RetryKey | None]] = [(_good_bid, None), (POISONS["a guard"][0], None)]
            batch = asyncio.create_task(_in_one_batch(stopping, item_id, decides))
            await until(commit_waits)
        assert explained(await batch) == {"Unavailable": 2}
