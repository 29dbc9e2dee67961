"""The limit of load shedding grows by work that was done, and not by calls that were refused before."""

import json

import pytest

from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.load_shedding import URGENT_CALLS_MIN, LoadShedder
from tests.auction_house import new_user
from tests.memory_edge import PLACE_BID, memory_edge
from tests.raw_http import last_request, post, replies_to

pytestmark = pytest.mark.integration

CALLS = 50
# As if each call were answered within half a millisecond.
CALLS_PER_SECOND = 2_000


class Clock:
    """A clock that goes on with each reading."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1 / CALLS_PER_SECOND
        return self.now


async def test_a_flood_of_bids_that_reach_no_auction_leaves_the_limit_and_decided_bids_raise_it() -> None:
    access_control = AccessControl()
    shedder = access_control.load_shedder = LoadShedder(Clock())
    async with memory_edge(access_control) as edge:
        item_id = await edge.list_item()

        async def bids(user_id: str) -> list[int]:
            statuses: list[int] = []
            while len(statuses) < CALLS_PER_SECOND:
                bodies = [
                    json.dumps(
                        {"itemId": item_id, "userId": user_id, "amount": 1_000 + len(statuses) + number}
                    ).encode()
                    for number in range(CALLS)
                ]
                sent = b"".join(post(PLACE_BID, body, "application/json") for body in bodies)
                statuses += [reply.status for reply in await replies_to(edge.address, [sent + last_request()])][:-1]
            return statuses

        assert set(await bids("nobody's id")) == {400}
        assert shedder.urgent_max == URGENT_CALLS_MIN
        assert set(await bids(new_user())) == {200}
        assert shedder.urgent_max > 2 * URGENT_CALLS_MIN
        assert shedder.urgent == 0
