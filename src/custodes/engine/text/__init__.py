"""Reading text: find lines, turn them upright, read their symbols, part them into words. Each step a file."""
