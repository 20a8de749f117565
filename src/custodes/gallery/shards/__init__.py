"""Large collections of which each of several servers has a part in memory."""
