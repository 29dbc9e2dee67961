"""What is measured: processes, the naive baseline, databases and probes inside them."""
