"""Use cases of the write side, one verb a file."""
