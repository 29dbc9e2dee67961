"""The account of a run: as text for people, as JSON for programs."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from gavel_tools.bidders.account import Account, Sum
from gavel_tools.bidders.progress import counted
from gavel_tools.bidders.read_back import Verification
from gavel_tools.bidders.tally import CallTally

BIDDERS_SHOWN_MAX = 10
DIFFERENCES_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Report:
    """A run that is over. `strategies` is by bidder; `verification` None: it was not asked for."""

    why: str
    seconds: float
    strategies: dict[str, str]
    account: Account
    tally: CallTally
    verification: Verification | None

    def as_text(self) -> str:
        """The account in lines."""
        account, latencies = self.account, self.tally.latencies
        lines = [
            f"Stopped after {self.seconds:.1f} s: {self.why}.",
            f"bids       {account.asked:,} asked, {account.refused.total():,} refused, {account.given_up:,} given up",
            f"accepted   {account.accepted:,} ({account.accepted / self.seconds:,.0f}/s)",
            f"besides    {account.purchases:,} of these by buy-now; {account.raised_maxima:,} maxima raised",
            f"refused    {counted(account.refused)}",
            f"no answer  {counted(self.tally.no_answers)} (asked again with the same key)",
            f"failed     {counted(account.failed)}",
            f"latency    p50 {latencies.percentile_ms(0.5):.1f} ms, p99 {latencies.percentile_ms(0.99):.1f} ms",
            "",
            *self._bidders(),
        ]
        return "\n".join([*lines, *self._verified()])

    def as_json(self) -> str:
        """The account whole. Amounts in minor units."""
        account, latencies = self.account, self.tally.latencies
        nothing, by_bidder = Sum(0, 0), account.by_bidder()
        value: dict[str, Any] = {
            "stopped": self.why,
            "seconds": round(self.seconds, 3),
            "asked": account.asked,
            "accepted": account.accepted,
            "accepted_per_s": round(account.accepted / self.seconds, 1),
            "purchases": account.purchases,
            "raised_maxima": account.raised_maxima,
            "refused": dict(account.refused),
            "no_answers": dict(self.tally.no_answers),
            "given_up": account.given_up,
            "failed": dict(account.failed),
            "p50_ms": round(latencies.percentile_ms(0.5), 3),
            "p99_ms": round(latencies.percentile_ms(0.99), 3),
            "bidders": [
                {"user_id": user_id, "strategy": strategy} | by_bidder.get(user_id, nothing)._asdict()
                for user_id, strategy in self.strategies.items()
            ],
            "items": [{"item_id": item_id} | item._asdict() for item_id, item in account.by_item().items()],
            "verification": None if self.verification is None else asdict(self.verification),
        }
        return json.dumps(value, indent=2)

    def _bidders(self) -> list[str]:
        sums = sorted(self.account.by_bidder().items(), key=lambda each: each[1].amount, reverse=True)
        lines = [f"{'bidder':36}  {'strategy':11}  {'accepted':>9}  {'amount':>22}"]
        lines += [
            f"{user_id:36}  {self.strategies[user_id]:11}  {total.bids:9,}  {total.amount:22,}"
            for user_id, total in sums[:BIDDERS_SHOWN_MAX]
        ]
        rest = sums[BIDDERS_SHOWN_MAX:]
        if rest:
            bids, amount = sum(total.bids for _, total in rest), sum(total.amount for _, total in rest)
            lines.append(f"{f'and {len(rest)} more (--json has all)':49}  {bids:9,}  {amount:22,}")
        return lines

    def _verified(self) -> list[str]:
        verified = self.verification
        if verified is None:
            return []
        what = f"{verified.items:,} items, {verified.bids:,} bids, {verified.bidders:,} bidders"
        besides = list[str]()
        if verified.moved:
            besides.append(f"{verified.moved} items were bid on meanwhile: their bidders' totals are left out")
        if verified.ended:
            late_ms = 1000 * verified.outcome_late_seconds_max
            besides.append(f"{verified.ended:,} auctions have their outcome, {late_ms:,.0f} ms after the end at most")
        if not verified.differences:
            return ["", *besides, f"Verified: {what}; everything agrees."]
        shown = verified.differences[:DIFFERENCES_SHOWN_MAX]
        more = len(verified.differences) - len(shown)
        return [
            "",
            *besides,
            f"DIFFERENCES ({what}):",
            *shown,
            *([f"and {more} more (--json has all)"] if more else []),
        ]
