"""Pages of the hot laboratory."""
