"""The benchmark: the measured figures, beside a naive baseline, in one run on one machine."""
