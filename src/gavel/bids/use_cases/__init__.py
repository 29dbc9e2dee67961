"""What the write side does, one verb a file."""
