"""`gavel bidders`: simulated bidders against any Gavel, and a report of its answers."""

from gavel_tools.bidders.options import BiddersOptions


def run_bidders(options: BiddersOptions) -> int:
    """Run, print the account, and return the exit status: 0, 1 where a verification differs, 2 where it can't start."""
    # The command line reads the options of every command: what a run needs is loaded when there is one.
    from gavel_tools.bidders.run import run

    return run(options)


__all__ = ["BiddersOptions", "run_bidders"]
