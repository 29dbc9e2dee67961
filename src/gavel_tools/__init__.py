"""Development tools: the benchmark, simulated bidders and local servers. Not part of the product."""
