"""In-process versions of the write side's ports."""
