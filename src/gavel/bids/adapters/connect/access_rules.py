"""Access control rules of `bids.v1.BidService`. A test checks that no method of the contract is missing."""

from gavel.runtime.http.access_control import CallRule
from gavel.runtime.http.load_shedding import Priority

_BIDDER = CallRule(role="bidder", priority=Priority.URGENT)
_SELLER = CallRule(role="seller", priority=Priority.URGENT)
_PUBLIC_READ = CallRule(public_read=True)

_BY_METHOD = {
    "PlaceBid": _BIDDER,
    "BuyNow": _BIDDER,
    "ListMyBids": CallRule(role="bidder"),
    "CreateItem": _SELLER,
    "UpdateItem": _SELLER,
    "CancelItem": _SELLER,
    "GetItem": _PUBLIC_READ,
    "ListItems": _PUBLIC_READ,
    "ListSellerItems": _PUBLIC_READ,
    "GetItemBids": _PUBLIC_READ,
    "GetLeaderboard": _PUBLIC_READ,
    "WatchItems": CallRule(public_read=True, priority=Priority.WATCH),
}
CALL_RULES = {f"/bids.v1.BidService/{method}": rule for method, rule in _BY_METHOD.items()}

# The status is public if reads are public. The second path is its name in 0.1, kept for one release.
STATUS_PATHS = ("/status.json", "/board.json")
PORT_RULES = {**CALL_RULES, **dict.fromkeys(STATUS_PATHS, _PUBLIC_READ)}
