"""The read side: events counted once, and the totals they make."""
