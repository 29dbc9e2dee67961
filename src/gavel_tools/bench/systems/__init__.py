"""Systems under test: processes, the naive baseline, databases and probes inside them."""
