"""Who may call what of `userstats.v1.UserStatsService`. A test holds that no method of the contract is missing."""

from gavel.runtime.http.access_control import CallRule

_METHODS = ("GetUserStats", "ListTopBidders")
CALL_RULES = {f"/userstats.v1.UserStatsService/{method}": CallRule(public_read=True) for method in _METHODS}
