"""An auction house that knows the rules in the plainest way: a sorted list of maxima, and seconds on a clock.

It is written from the rules in docs/auction-rules.md and shares no code with `gavel.bids.domain`, so that the two can
be held against each other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

NaiveRow = tuple[str, int, bool]


@dataclass
class HeldMaximum:
    """The maximum of one bidder, and the order of its arrival."""

    maximum: int
    arrival: int
    user: str


@dataclass
class NaiveHouse:
    """One auction. Times are whole seconds; a command answers with the reason of a refusal, or with its bid rows."""

    seller: str
    raise_over: Callable[[int], int]
    start_price: int
    end: int
    start: int = 0
    reserve: int = 0
    buy_now_price: int = 0
    window: int = 0
    extension: int = 0
    max_extension: int = 0

    maxima: list[HeldMaximum] = field(default_factory=list[HeldMaximum])
    rows: list[NaiveRow] = field(default_factory=list[NaiveRow])
    arrivals: int = 0
    extensions: int = 0
    cancelled: bool = False
    closed: bool = False
    latest_end: int = 0

    def __post_init__(self) -> None:
        self.latest_end = self.end + self.max_extension

    @property
    def price(self) -> int:
        """The visible price."""
        return self.rows[-1][1] if self.rows else 0

    @property
    def leader(self) -> str | None:
        """The bidder with the highest maximum, the earlier of equal ones."""
        return self.maxima[0].user if self.maxima else None

    @property
    def least(self) -> int:
        """The least bid."""
        return self.price + self.raise_over(self.price) if self.rows else self.start_price

    @property
    def reserve_met(self) -> bool:
        """Whether the price has reached the reserve."""
        return self.price >= self.reserve

    def bid(self, now: int, user: str, amount: int, maximum: int) -> str | list[NaiveRow]:
        """A bid: the reason why not, or the rows that it writes."""
        if reason := self._closed_to(now, user):
            return reason
        if user == self.leader:
            if maximum <= self.maxima[0].maximum:
                return "ALREADY_LEADING"
            self._prepared_to_pay(user, maximum)
            lifted = self.price < self.reserve <= maximum
            return self._write(now, [(user, self.reserve, True)]) if lifted else []
        if amount < self.least:
            return "TOO_LOW"
        self._prepared_to_pay(user, maximum)
        return self._write(now, self._contest(user, amount))

    def buy(self, now: int, user: str) -> str | list[NaiveRow]:
        """A buy-now: the reason why not, or the row that it writes."""
        if reason := self._closed_to(now, user):
            return reason
        unbid = not self.rows
        below_reserve = self.reserve > 0 and not self.reserve_met and self.price < self.buy_now_price
        if not self.buy_now_price or not (unbid or below_reserve):
            return "BUY_NOW_UNAVAILABLE"
        self._prepared_to_pay(user, self.buy_now_price)
        self.rows.append((user, self.buy_now_price, False))
        self.end, self.closed = now, True
        return [(user, self.buy_now_price, False)]

    def cancel(self, now: int, user: str) -> str:
        """A cancel: the reason why not, or nothing. A second one changes nothing."""
        if user != self.seller:
            return "NOT_THE_SELLER"
        if self.cancelled:
            return ""
        if now >= self.end:
            return "ENDED"
        if self.rows:
            return "HAS_BIDS"
        self.cancelled = True
        return ""

    def close(self, now: int) -> bool:
        """The closer looks: whether it closes the auction."""
        if self.cancelled or self.closed or now < self.end:
            return False
        self.closed = True
        return True

    def _closed_to(self, now: int, user: str) -> str:
        if user == self.seller:
            return "SELLER"
        if self.cancelled:
            return "CANCELLED"
        if now >= self.end:
            return "ENDED"
        return "NOT_STARTED" if now < self.start else ""

    def _prepared_to_pay(self, user: str, maximum: int) -> None:
        self.arrivals += 1
        self.maxima = [held for held in self.maxima if held.user != user]
        self.maxima.append(HeldMaximum(maximum, self.arrivals, user))
        self.maxima.sort(key=lambda held: (-held.maximum, held.arrival))

    def _contest(self, caller: str, amount: int) -> list[NaiveRow]:
        """The caller's bid, then the loser's maximum and the winner's price where they show something new."""
        winner = self.maxima[0]
        price, shown = amount, [(caller, amount, False)]
        if len(self.maxima) > 1:
            loser = self.maxima[1]
            price = max(amount, min(loser.maximum + self.raise_over(loser.maximum), winner.maximum))
            self._show(shown, loser.user, loser.maximum)
        if winner.maximum >= self.reserve:
            price = max(price, self.reserve)
        self._show(shown, winner.user, price)
        return shown

    def _show(self, shown: list[NaiveRow], user: str, amount: int) -> None:
        """Add an automatic bid, unless it is below the row before or that bidder stands at it already."""
        stands_at = max((a for u, a, _ in self.rows + shown if u == user), default=0)
        if amount >= shown[-1][1] and amount != stands_at:
            shown.append((user, amount, True))

    def _write(self, now: int, new_rows: list[NaiveRow]) -> list[NaiveRow]:
        self.rows += new_rows
        if self.window and now >= self.end - self.window:
            later = min(now + self.extension, self.latest_end)
            if later > self.end:
                self.end, self.extensions = later, self.extensions + 1
        return new_rows
