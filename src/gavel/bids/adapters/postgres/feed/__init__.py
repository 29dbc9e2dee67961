"""What the live feed reads of the log."""
