"""`gavel bidders`: simulated bidders against any Gavel, and an account of what it answered them."""

from gavel.bidders.options import BiddersOptions
from gavel.bidders.run import run_bidders

__all__ = ["BiddersOptions", "run_bidders"]
