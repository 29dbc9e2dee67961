"""Options of a run of bidders."""

from dataclasses import dataclass

from gavel_tools.bidders.budgets import DEFAULT_BUDGET

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_SECONDS = 30.0
# A run that is bounded by a count ends after this long all the same.
SECONDS_MAX_OF_A_COUNT = 600.0
SECONDS_MAX = 86_400.0
BIDDERS_MAX = 5_000
ITEMS_MAX = 1_000
NEEDS_TOKENS = "bidders need one that runs with AUTH_MODE=trusted, or --auth and one that believes `gavel token`"


class BiddersFailed(Exception):
    """The run can't begin; the text says what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiddersOptions:
    """The bounds of a run, and what it is run against.

    `stats_url` empty: the same as `url`. `seconds` and `count` both None: DEFAULT_SECONDS. With `create` that many
    auctions are made for the run, ending `ends_in_seconds` after they were made; otherwise up to `items` of the open
    ones are bid on, and where they are all too dear for the budgets, some are made too. `budget` is how many times its
    start price an item is worth, where it has no buy-now price; 0: no limit; None: DEFAULT_BUDGET, and no limit with a
    `count`. With `auth` every call has a token, minted with this machine's key. With `verify` the server is
    checked afterwards against what it answered.
    """

    url: str = DEFAULT_URL
    stats_url: str = ""
    bidders: int = 50
    seconds: float | None = None
    count: int | None = None
    items: int = 20
    create: int = 0
    ends_in_seconds: float | None = None
    pause_seconds: float = 0.0
    budget: float | None = None
    seed: int = 1
    verify: bool = False
    json: bool = False
    auth: bool = False

    @property
    def budget_starts(self) -> float:
        """How many times its start price an item is worth; 0: no limit."""
        if self.budget is not None:
            return self.budget
        return DEFAULT_BUDGET if self.count is None else 0.0

    @property
    def seconds_max(self) -> float:
        """When the run ends at the latest."""
        if self.seconds is not None:
            return self.seconds
        return DEFAULT_SECONDS if self.count is None else SECONDS_MAX_OF_A_COUNT
