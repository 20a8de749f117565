"""Collections that several servers have in memory together."""
