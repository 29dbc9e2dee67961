"""In-process versions of the read side's ports."""
