"""Pages about moving pictures: stored videos, live streams and whom they saw."""
