"""Houses with a live feed, for the tests of this folder."""

from tests.auction_house import house, new_house, shared_bid_db_url
from tests.integration.feed.live_house import live

__all__ = ["house", "live", "new_house", "shared_bid_db_url"]
