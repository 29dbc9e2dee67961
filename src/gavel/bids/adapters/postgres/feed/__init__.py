"""Reads of the log, for the live feed and for rebuilding counts."""
