"""A real Redis, and auction houses, for the tests of this folder."""

from tests.auction_house import house, new_house, shared_bid_db_url
from tests.servers.redis_fixtures import mortal_redis, own_redis_server, redis_url

__all__ = ["house", "mortal_redis", "new_house", "own_redis_server", "redis_url", "shared_bid_db_url"]
