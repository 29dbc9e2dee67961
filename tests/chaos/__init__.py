"""Everything dies under load, in an order that a seed decides, and then the books are checked."""
