"""`gavel bench`: the measured figures, beside a naive baseline, in one run on one machine."""

from gavel_tools.bench.run import BenchOptions, run_bench

__all__ = ["BenchOptions", "run_bench"]
