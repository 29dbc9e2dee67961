"""Bidders and sellers who do everything at once, and ask again until they are answered."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

import asyncpg

from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.domain.auction import ActorId, ItemId, SoftClose, UserId
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.refusals import Refusal
from gavel.bids.ports.book import DeadlineExceeded, Unavailable
from gavel.bids.use_cases.buy_now import buy_now
from gavel.runtime.postgres.connections import DATABASE_ERRORS
from tests.auction_house import SELLER, House, soon

ACTIONS_A_DAY = 20
PAUSE_SECONDS_MAX = 0.05

T = TypeVar("T")


@dataclass(slots=True)
class Story:
    """What the bidders were answered."""

    accepted: dict[tuple[ItemId, int], BidPlaced] = field(default_factory=dict[tuple[ItemId, int], BidPlaced])
    bought: dict[ItemId, UserId] = field(default_factory=dict[ItemId, UserId])


async def insist(dice: random.Random, attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until there is an answer or a refusal, with a moment in between."""
    while True:
        try:
            return await attempt()
        except (Unavailable, DeadlineExceeded, *DATABASE_ERRORS):
            await asyncio.sleep(dice.uniform(0, PAUSE_SECONDS_MAX))


async def list_items(house: House, dice: random.Random, number: int) -> list[ItemId]:
    """Auctions of every kind; where a listing was not answered, perhaps one more."""
    for _ in range(number):
        reserve = dice.choice((0, 0, 5_000, 15_000))
        buy_now_price = dice.choice((0, max(reserve, 12_000)))
        soft_close = SoftClose(window_seconds=dice.choice((0, 86_400)), extension_seconds=60)
        list_one = partial(
            house.list_item,
            increment=dice.choice((1, 50, 500)),
            start_price=100,
            reserve_price=reserve,
            buy_now_price=buy_now_price,
            soft_close=soft_close,
        )
        await insist(dice, list_one)
    rows = await insist(dice, lambda: house.pool.fetch("SELECT item_id::text FROM auctions ORDER BY created_at"))
    return [ItemId(row["item_id"]) for row in rows]


async def end_auction(pool: asyncpg.Pool, item_id: ItemId) -> None:
    """Let the time of an auction be up that is not over yet, which no guard would allow."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            "UPDATE auctions SET end_at = clock_timestamp(), revision = revision + 1"
            " WHERE item_id = $1 AND closed_at IS NULL AND cancelled_at IS NULL",
            item_id,
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """A bidder with dice of their own, who goes to either of two API processes."""

    houses: tuple[House, House]
    items: list[ItemId]
    story: Story
    dice: random.Random

    async def spend_the_day(self) -> None:
        """Bid mostly; now and then buy, cancel as the seller would, or let the time of an auction be up."""
        user_id = ActorId(UserId(str(UUID(int=self.dice.getrandbits(128), version=4))))
        for number in range(ACTIONS_A_DAY):
            item_id, key = self.dice.choice(self.items), f"{user_id} {number}"
            wish = self.dice.random()
            with suppress(Refusal):
                if wish < 0.85:
                    await self._bid(item_id, user_id, key)
                elif wish < 0.9:
                    await self._buy(item_id, user_id, key)
                elif wish < 0.95:
                    await insist(self.dice, lambda item_id=item_id: self._cancel(item_id))
                else:
                    await insist(self.dice, lambda item_id=item_id: end_auction(self.houses[0].pool, item_id))

    async def _bid(self, item_id: ItemId, user_id: UserId, key: str) -> None:
        """One bid, now and then sent twice at one moment: its key has one answer, however often it was sent."""
        amount = self.dice.randrange(100, 20_000)
        maximum = amount + self.dice.randrange(5_000) if self.dice.random() < 0.5 else 0

        def attempt() -> Awaitable[Answer]:
            return self._house().bid(item_id, amount, by=user_id, max_amount=maximum, key=key)

        copies = 1 + (self.dice.random() < 0.3)
        results = await asyncio.gather(*(insist(self.dice, attempt) for _ in range(copies)), return_exceptions=True)
        answers = [result for result in results if isinstance(result, Answer)]
        assert all(isinstance(result, Answer | Refusal) for result in results), results
        assert len({answer.bid for answer in answers}) <= 1
        for answer in answers:
            assert answer.bid is not None
            self.story.accepted[item_id, answer.bid.seq] = answer.bid

    async def _buy(self, item_id: ItemId, user_id: ActorId, key: str) -> None:
        async def attempt() -> UserId | None:
            house = self._house()
            catalogue = PostgresItemCatalogue(house.pool)
            item, _ = await buy_now(house.book, catalogue, item_id, user_id, idempotency_key=key, call=soon())
            return item.auction.leader_id

        assert await insist(self.dice, attempt) == user_id
        assert item_id not in self.story.bought
        self.story.bought[item_id] = user_id

    async def _cancel(self, item_id: ItemId) -> None:
        await self._house().decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))

    def _house(self) -> House:
        return self.dice.choice(self.houses)
