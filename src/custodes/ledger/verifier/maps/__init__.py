"""Maps as a reader meets them: heads, ways to a place, and how each head continues the one before."""
