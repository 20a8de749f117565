"""Stored video: jobs that look at every part of a video under a permission of its own, and their results."""
