"""Use cases of the read side, one verb a file."""
