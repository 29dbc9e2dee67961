"""What the read side does, one verb a file."""
