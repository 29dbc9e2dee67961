"""Authentication: verified tokens, their keys and the principals that they name."""
