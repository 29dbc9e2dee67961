"""Cost of authentication on the bid path: trusted mode compared with tokens seen before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gavel.cli.token import open_minter
from gavel_tools.bench.case import Effort, Figure, Measured
from gavel_tools.bench.clients.bid_service import SELLER_ID
from gavel_tools.bench.clients.wrk import BIDDERS
from gavel_tools.bench.systems.access_probe import known_token_us
from gavel_tools.bench.systems.side_by_side import Variant, costs

TOKEN_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Auth:
    """Bids of many bidders, each with a token of their own that is verified once, in the warm-up.

    The difference between two servers under load holds what a longer request costs, and their noise, which is larger
    than what is looked for: hence access control is also measured alone.
    """

    name: str = "auth"
    section: str = "auth"
    title: str = "Tokens seen before"
    rounds_max: int = 1
    figures: Sequence[Figure] = (
        Figure(name="known_token_us", label="access control, more CPU a call", unit="µs", at_most=20),
        Figure(name="cost_us", label="more CPU a bid in the server", unit="µs"),
        Figure(name="cpu_us_trusted", label="server's CPU a bid, trusted", unit="µs"),
        Figure(name="cpu_us_jwt", label="server's CPU a bid, with tokens", unit="µs"),
        Figure(name="accepted_per_s_trusted", label="accepted bids, trusted", unit="/s"),
        Figure(name="accepted_per_s_jwt", label="accepted bids, with tokens", unit="/s"),
    )

    def measure(self, scratch: Path, effort: Effort) -> Measured:
        """See OwnServersCase.measure."""
        minter = open_minter(scratch / "key")
        tokens = {bidder: minter.mint(bidder, None, TOKEN_SECONDS) for bidder in BIDDERS}
        signed_in = Variant(minter.settings, tokens, minter.mint(SELLER_ID, None, TOKEN_SECONDS))
        cost = costs({"trusted": Variant(), "jwt": signed_in}, scratch, effort)
        return {
            "known_token_us": known_token_us(minter, signed_in.seller_token),
            "cost_us": cost["jwt"].cpu_us_per_bid - cost["trusted"].cpu_us_per_bid,
            "cpu_us_trusted": cost["trusted"].cpu_us_per_bid,
            "cpu_us_jwt": cost["jwt"].cpu_us_per_bid,
            "accepted_per_s_trusted": cost["trusted"].accepted_per_s,
            "accepted_per_s_jwt": cost["jwt"].accepted_per_s,
        }


AUTH = Auth()
