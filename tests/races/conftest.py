"""Auction houses for the tests of this folder."""

from tests.auction_house import house, new_house, shared_bid_db_url

__all__ = ["house", "new_house", "shared_bid_db_url"]
