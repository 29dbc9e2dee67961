"""The read side over Connect."""
