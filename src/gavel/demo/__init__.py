"""The demo: sample auctions with an hour of history, and a small crowd that bids on what is open."""
